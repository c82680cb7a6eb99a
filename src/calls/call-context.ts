/** What the call layer is handed by the composition root: one object, so that constructors stay short. */

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { OutgoingInvite, OutgoingInviteOptions } from "../sip/user-agent.ts";
import type { Store } from "../store/store.ts";
import type { EdgeTable } from "../trunking/edges.ts";
import type { DivertPolicy } from "../trunking/redirect.ts";
import type { CallbackQueue } from "../voice/callbacks.ts";
import type { MediaFetcher } from "../voice/media-fetch.ts";
import type { WebhookClient } from "../voice/webhook.ts";
import type { PlaySource } from "../worker/protocol.ts";
import type { AlertLog } from "./alert-log.ts";
import type { Authenticator } from "./authenticate.ts";
import type { CallTable } from "./call-table.ts";
import type { CallerNames } from "./caller-names.ts";
import type { LocalEdges } from "./local-edges.ts";
import type { LoopGuard } from "./loop-guard.ts";
import type { MediaNames } from "./media-names.ts";
import type { CallRecordings } from "./recording/call-recordings.ts";
import type { Registrations } from "./registration/registrations.ts";
import type { SipTrace } from "./sip-trace.ts";
import type { TargetHealth } from "./target-health.ts";
import type { ConversationTable } from "./transfer/conversation-table.ts";
import type { TrunkAdmission } from "./trunk-admission.ts";
import type { Usage } from "./usage.ts";

/** The part of the SIP stack that calls use. */
export interface InvitePlacer {
  invite(options: OutgoingInviteOptions): OutgoingInvite;
}

/** Settings of the call layer, all with units. */
export interface CallSettings {
  /** DNS suffix: `{name}.pstn.BASE`, `{name}.sip.BASE`. */
  readonly baseDomain: string;
  /** What requests for hosts that are not ours get (requirements 0.1). */
  readonly unknownDomain: "drop" | "404";
  /** Realm of challenges; undefined: the domain's own name (R-AUTH-10). */
  readonly realm: string | undefined;
  /** P1, R-ORIG-17. */
  readonly noAnswerMs: number;
  /** R-ORIG-23: ringing of one attempt, and silence of all attempts in sum. */
  readonly ringLimitMs: number;
  readonly silentTotalMs: number;
  /** SIP-INV-13. */
  readonly callDurationMaxMs: number;
  readonly callsMax: number;
  /** R-KEEP-6: seconds between our OPTIONS to a target that says nothing itself; 0 sends none. */
  readonly targetOptionsSeconds: number;
  /** R-BYOC-5: what `<Reject>` answers. */
  readonly rejectStatus: number;
  readonly shortCodes: readonly string[];
  /** R-COMP-6: nothing may be kept that was said. */
  readonly noAudioAtRest: boolean;
  readonly srtpOptional: boolean;
  readonly streams: { readonly allowInsecureWs: boolean; readonly allowQuery: boolean };
  /** Source policy of plain RTP where a record says nothing. */
  readonly sourcePolicy: "negotiated" | "address" | "latch";
  /** What a party hears while the other holds and says nothing (SDP-9); undefined: silence. */
  readonly holdAudio: PlaySource | undefined;
  /** Silence of both RTP and RTCP that ends a call (RTP-SES-8); 0 never does. */
  readonly mediaTimeoutMs: number;
}

export interface CallContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly stack: InvitePlacer;
  readonly scheduler: Scheduler;
  readonly webhooks: WebhookClient;
  readonly callbacks: CallbackQueue;
  readonly mediaFetcher: MediaFetcher;
  readonly alerts: AlertLog;
  /** SIP messages of recent calls, for `tandem explain`. */
  readonly trace: SipTrace;
  readonly calls: CallTable;
  readonly callerNames: CallerNames;
  readonly usage: Usage;
  readonly admission: TrunkAdmission;
  readonly loops: LoopGuard;
  readonly conversations: ConversationTable;
  /** Host names in session descriptions. */
  readonly names: MediaNames;
  readonly recordings: CallRecordings;
  readonly registrations: Registrations;
  readonly settings: CallSettings;
  /** Names of edges, those of elsewhere too. */
  readonly edges: EdgeTable;
  /** The edges of this process. */
  readonly localEdges: LocalEdges;
  /** Names of the edges that take calls by their source (R-NET-9); empty: the default one. */
  readonly staticIpEdges: readonly string[];
  readonly divert: DivertPolicy;
  readonly authenticator: Authenticator;
  readonly targetHealth: TargetHealth;
  /** Uniform in [0, 1), for the weights of targets. */
  readonly random: () => number;
}
