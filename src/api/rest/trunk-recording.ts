/** `/v1/Trunks/{TK}/Recording` (trunking-rest.md 4.6; R-REC-1, R-REC-5, R-REC-8): one for each trunk, without a SID. */

import type { RecordingMode, RecordingTrim, Trunk } from "../../trunking/records.ts";
import { changed, ownedBy } from "./owned.ts";
import { badParameter } from "./rest-error.ts";
import { ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const MODES: readonly RecordingMode[] = [
  "do-not-record",
  "record-from-ringing",
  "record-from-answer",
  "record-from-ringing-dual",
  "record-from-answer-dual",
];
const TRIMS: readonly RecordingTrim[] = ["do-not-trim", "trim-silence"];
const PATH = "/v1/Trunks/:trunk/Recording";

/** What the trunk and its sub-resource show. */
export function recordingOf(trunk: Trunk): { readonly mode: RecordingMode; readonly trim: RecordingTrim } {
  return { mode: trunk.recordingMode ?? "do-not-record", trim: trunk.recordingTrim ?? "do-not-trim" };
}

export function trunkRecordingRoutes(ctx: RestContext): RestRoute[] {
  const trunkOf = (request: RestRequest): Trunk => ownedBy(ctx, request, "trunks", request.path["trunk"]!);
  return [
    { method: "GET", path: PATH, handle: (request) => ok(recordingOf(trunkOf(request))) },
    {
      method: "POST",
      path: PATH,
      handle: async (request) => {
        const before = trunkOf(request);
        const recordingMode = request.body.choice("Mode", MODES);
        const recordingTrim = request.body.choice("Trim", TRIMS);
        if (ctx.noAudioAtRest && recordingMode !== undefined && recordingMode !== "do-not-record")
          throw badParameter("Mode", "compliance.noAudioAtRest is on: this gateway records nothing");
        const trunk = changed(ctx, before, { recordingMode, recordingTrim });
        await ctx.store.apply([{ kind: "trunks", put: trunk }]);
        return ok(recordingOf(trunk));
      },
    },
  ];
}
