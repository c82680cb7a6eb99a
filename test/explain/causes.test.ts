/** Every refusal of a call has a cause and a cure (R-GEN-8), and the decision that counts wins. */
import { describe, expect, it } from "vitest";
import { causeOf } from "../../src/explain/causes.ts";
import { buildReport, type StoryMaterial } from "../../src/explain/report.ts";
import type { StepFields, StoryStep } from "../../src/explain/types.ts";

const step = (code: string, text = "the text", fields: StepFields = {}): StoryStep => ({
  atMs: 0,
  callSid: "CA1",
  step: "checked",
  code,
  text,
  fields,
});

describe("causes", () => {
  it.each([
    "refused.password",
    "refused.user-unknown",
    "refused.access-control-list",
    "refused.authentication-mapped",
    "refused.secure",
    "refused.privacy",
    "refused.called-number",
    "refused.caller-id-form",
    "refused.caller-id-owned",
    "refused.destination",
    "refused.limits",
    "refused.domain",
    "refused.blocked",
    "refused.stranger-rate",
    "unreadable",
    "overload",
    "challenged",
    "challenged.stale",
    "sdp.unparsable",
    "sdp.no-audio",
    "sdp.no-codec",
    "sdp.unsupported-profile",
    "sdp.bad-address",
    "sdp.srtp-not-enabled",
    "sdp.srtp-required",
    "sdp.no-acceptable-crypto",
    "media.none",
    "route.none",
    "route.no-target",
    "route.no-voice-url",
    "redirect.refused",
    "hunt.failed",
    "webhook.failed",
    "twiml.invalid",
    "stream.failed",
    "srtp.failing",
    "srtp.lifetime",
    "media.none-came",
    "ended.media-silent",
    "ended.worker-lost",
  ])("%s has cause and cure", (code) => {
    const { cause, cure } = causeOf(step(code), [])!;
    expect(cause).toMatch(/^["A-Z].*\.$/s);
    expect(cure).toMatch(/^[A-Z].*\.$/s);
  });

  it.each([
    ["target.silent", {}, "did not answer the INVITE at all"],
    ["target.unreachable", { tls: true }, "tlsVerify: false"],
    ["target.unreachable", { dns: true }, "DNS knows it"],
    ["target.unreachable", {}, "listens on that address"],
    ["target.media", {}, "PCMU or PCMA"],
    ...[401, 403, 404, 408, 415, 482, 486, 500, 503, 603].map((status) => ["target.status", { status }, ""] as const),
  ] as const)("%s %j has cause and cure", (code, fields, part) => {
    const told = causeOf(step(code, "sip:t: 4xx said", { target: "sip:t", ...fields }), [])!;
    expect(told.cause).toContain("sip:t");
    expect(told.cure).not.toBe("");
    expect(`${told.cause} ${told.cure}`).toContain(part);
  });

  it("steps that went well are no cause", () => {
    for (const code of ["", "received", "acl.listed", "sdp.chosen", "target.tried", "target.answered", "ended.local"])
      expect(causeOf(step(code), [])).toBeUndefined();
  });
});

const header = {
  callSid: "CA1",
  sipCallId: "a",
  accountSid: "AC1",
  direction: "inbound",
  from: "1",
  to: "2",
  remote: "",
  status: "failed",
  sipStatus: 500,
  startedAt: "2026-01-01T00:00:00.000Z",
  lastedMs: 5,
  durationSeconds: 0,
};

function material(codes: readonly string[], changes: Partial<StoryMaterial> = {}): StoryMaterial {
  return {
    call: header,
    legs: [],
    failed: true,
    callerIds: ["a"],
    decisions: codes.map((code, atMs) => ({ atMs, callSid: "CA1", step: "checked", text: code, fields: { code } })),
    alerts: [],
    messages: [],
    omitted: { steps: 0, messages: 0 },
    trace: "kept",
    ...changes,
  };
}

describe("the diagnosis", () => {
  it.each([
    [["target.status", "webhook.failed", "stream.failed"], "webhook.failed"],
    [["challenged", "refused.password"], "refused.password"],
    [["challenged", "received", "sdp.no-codec"], "sdp.no-codec"],
    [["media.none-came", "ended.media-silent"], "ended.media-silent"],
    [["target.silent", "target.status", "hunt.failed"], "target.status"],
    [["received"], "failed"],
  ] as const)("of %j is %s", (codes, code) => {
    expect(buildReport(material(codes), false).diagnosis.code).toBe(code);
  });

  it("blames nothing where nothing failed, although an attempt did", () => {
    const { diagnosis } = buildReport(
      material(["target.silent", "target.answered"], { failed: false, call: { ...header, status: "completed" } }),
      false,
    );
    expect(diagnosis).toMatchObject({ failed: false, step: null, message: null, cure: "" });
  });

  it("tells an alert once: by the decision that raised it, or by itself", () => {
    const alert = { atMs: 9, callSid: "CA1", level: "error" as const, text: "said" };
    const { steps } = buildReport(
      material([], {
        decisions: [
          { atMs: 1, callSid: "CA1", step: "webhook", text: "x", fields: { code: "webhook.failed", alert: 11200 } },
        ],
        alerts: [
          { ...alert, code: 11200 },
          { ...alert, code: 12400 },
        ],
      }),
      false,
    );
    expect(steps.map(({ code }) => code)).toEqual(["webhook.failed", "alert.12400"]);
  });

  it("R26: masks passwords and tokens of URIs in texts and fields", () => {
    const text = "to sip:user:hunter2@carrier.test and https://h/a?token=hunter2 now";
    const report = buildReport(
      material([], {
        decisions: [{ atMs: 0, callSid: null, step: "attempt", text, fields: { code: "x", target: text } }],
      }),
      false,
    );
    expect(JSON.stringify(report)).not.toContain("hunter2");
    expect(report.steps[0]!.text).toBe("to sip:user:*******@carrier.test and https://h/a?token=******* now");
  });
});
