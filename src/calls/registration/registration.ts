/**
 * One registration of the gateway at a carrier that demands it (SIP-REG-3): REGISTER with digest, refreshed at 50 to 90 % of what was
 * granted, again at once when its connection is lost, less often the longer it is refused (RFC 5626 §4.5).
 */

import { createHash } from "node:crypto";
import type { Clock, Timer } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import { randomHex } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import { step } from "../../base/machine.ts";
import type { Flow, SipResponse } from "../../sip/message.ts";
import { nameAddr, parseNameAddrList } from "../../sip/name-addr.ts";
import { type SipUri, sipUri } from "../../sip/uri.ts";
import type { OutgoingRequestOptions, RegistrationSession } from "../../sip/user-agent.ts";
import type { EdgeTable } from "../../trunking/edges.ts";
import { planInvite } from "../../trunking/origination.ts";
import type { ByocTrunk, CarrierRegistration } from "../../trunking/records.ts";
import { readTargetUri } from "../../trunking/target-uri.ts";
import type { LocalEdges } from "../local-edges.ts";
import { REGISTRATION_TABLE, type RegistrationEvent, type RegistrationState } from "./registration-state.ts";

/** The part of the SIP stack that is used. */
export interface Registrar {
  request(options: OutgoingRequestOptions): Promise<SipResponse>;
}

export interface RegistrationNeeds {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly edges: EdgeTable;
  readonly localEdges: LocalEdges;
}

/** Silence of one address of the registrar. */
const SILENCE_MS = 8000;
/** First and longest wait after a refusal; half to all of it is waited. */
const RETRY_FIRST_MS = 30_000;
const RETRY_MAX_MS = 1_800_000;
/** A registrar that grants less is refreshed as if it had granted this. */
const EXPIRES_SECONDS_MIN = 20;
const EXPIRES_SECONDS_MAX = 86_400;

/** How a registration stands, for operators. */
export interface RegistrationStatus {
  readonly byocTrunkSid: string;
  readonly label: string;
  readonly registered: boolean;
  /** Why not, or "". */
  readonly why: string;
}

/** The user of the Contact of this trunk: the same after a restart, and no name of ours. */
export function contactUserOf(byocTrunkSid: string): string {
  return createHash("sha256").update(`contact of ${byocTrunkSid}`).digest("hex").slice(0, 24);
}

export class Registration {
  readonly #needs: RegistrationNeeds;
  readonly #registrar: Registrar;
  readonly #trunk: ByocTrunk;
  readonly #wanted: CarrierRegistration;
  readonly #session: RegistrationSession;
  #state: RegistrationState = "unregistered";
  #expiresSeconds: number;
  #failures = 0;
  #why = "not tried yet";
  #timer: Timer | undefined;
  #unregistered: Promise<unknown> | undefined;

  constructor(needs: RegistrationNeeds, registrar: Registrar, trunk: ByocTrunk, wanted: CarrierRegistration) {
    this.#needs = needs;
    this.#registrar = registrar;
    this.#trunk = trunk;
    this.#wanted = wanted;
    this.#expiresSeconds = wanted.expiresSeconds;
    this.#session = {
      callId: randomHex(16),
      fromTag: randomHex(8),
      contactUser: contactUserOf(trunk.sid),
      sequence: 1,
    };
  }

  start(): void {
    this.#fire("due");
  }

  /** Takes the registration back; resolves when the registrar has answered or was silent. */
  async remove(): Promise<void> {
    this.#fire("removed");
    await this.#unregistered;
  }

  /** The connection is gone, and with it the way by which calls find us. */
  flowLost(flow: Flow): void {
    if (this.#session.flow === flow && flow.transport !== "udp" && this.#state === "registered") this.#fire("due");
  }

  get status(): RegistrationStatus {
    return {
      byocTrunkSid: this.#trunk.sid,
      label: `${this.#wanted.user} at ${this.#wanted.registrar}`,
      registered: this.#state === "registered" || this.#state === "refreshing",
      why: this.#why,
    };
  }

  /** True while this is what the record asks for. */
  isFor(trunk: ByocTrunk): boolean {
    const { registration } = trunk;
    return (
      registration != null &&
      registration.registrar === this.#wanted.registrar &&
      registration.user === this.#wanted.user &&
      registration.expiresSeconds === this.#wanted.expiresSeconds &&
      trunk.targetUsername === this.#trunk.targetUsername &&
      trunk.targetPassword === this.#trunk.targetPassword &&
      trunk.tlsVerify === this.#trunk.tlsVerify
    );
  }

  #fire(event: RegistrationEvent): void {
    const row = step(REGISTRATION_TABLE, this.#state, event);
    if (row === undefined) return;
    this.#timer?.cancel();
    this.#state = row.next;
    for (const action of row.actions) {
      if (action === "register") void this.#register();
      else if (action === "plan refresh") this.#after(this.#expiresSeconds * 1000 * (0.5 + 0.4 * this.#needs.random()));
      else if (action === "plan retry") {
        const longestMs = Math.min(RETRY_FIRST_MS * 2 ** (this.#failures - 1), RETRY_MAX_MS);
        this.#after(longestMs * (0.5 + 0.5 * this.#needs.random()));
      } else this.#unregistered = this.#send(0).catch(() => undefined);
    }
  }

  #after(ms: number): void {
    this.#timer = this.#needs.clock.after(Math.round(ms), () => this.#fire("due"));
  }

  /** Never rejects. */
  async #register(): Promise<void> {
    const { log } = this.#needs;
    const { label } = this.status;
    let refusal: string;
    try {
      const response = await this.#send(this.#expiresSeconds);
      if (response.status < 300) {
        this.#expiresSeconds = grantedSeconds(response, this.#session.contactUser, this.#expiresSeconds);
        if (this.#failures > 0 || this.#why !== "") log.info("registered at a carrier", { registration: label });
        this.#failures = 0;
        this.#why = "";
        this.#fire("accepted");
        return;
      }
      refusal = `${response.status} ${response.reason}`;
    } catch (error) {
      refusal = messageOf(error);
    }
    this.#failures++;
    this.#why = refusal;
    if (this.#state !== "gone")
      log.warn("a carrier does not take the registration", { registration: label, why: refusal });
    this.#fire("refused");
  }

  /** One REGISTER; 423 is answered by asking for what the registrar wants (§10.2.8). */
  async #send(expiresSeconds: number): Promise<SipResponse> {
    const { uri, ...way } = this.#target();
    const { user } = this.#wanted;
    const { targetUsername: username, targetPassword: password } = this.#trunk;
    const record = nameAddr({ ...sipUri(user, uri.host), port: uri.port });
    const send = (seconds: number): Promise<SipResponse> =>
      this.#registrar.request({
        method: "REGISTER",
        uri,
        ...way,
        from: record,
        to: record,
        headers: [["Expires", String(seconds)]],
        registration: this.#session,
        timeoutMs: SILENCE_MS,
        tlsVerify: this.#trunk.tlsVerify,
        ...(username === null || password === null ? {} : { credentials: { username, password } }),
      });
    const response = await send(expiresSeconds);
    const least = Number.parseInt(response.headers.get("Min-Expires") ?? "", 10);
    if (response.status !== 423 || !(least > expiresSeconds && least <= EXPIRES_SECONDS_MAX)) return response;
    this.#expiresSeconds = least;
    return send(least);
  }

  /** Request-URI without user (§10.2), and where it goes. */
  #target(): { uri: SipUri; nextHop: SipUri; localAddresses?: readonly string[] } {
    const reading = readTargetUri(this.#wanted.registrar, this.#needs.edges);
    if (!("uri" in reading)) throw new Error(`the registrar's URI cannot be read: ${reading.problem}`);
    const planned = planInvite(reading.uri, { dialled: "", kind: "byoc", secure: false, diversionHost: null });
    const { localEdges } = this.#needs;
    const { sendFrom } = localEdges.egress(planned.edge, localEdges.default).edge;
    return {
      uri: { ...planned.requestUri, user: undefined },
      nextHop: planned.nextHop,
      ...(sendFrom === undefined ? {} : { localAddresses: sendFrom }),
    };
  }
}

/** What was granted: the parameter of our Contact, else Expires, else what was asked for (§10.2.4). */
function grantedSeconds(response: SipResponse, contactUser: string, asked: number): number {
  let text: string | undefined;
  for (const line of response.headers.all("Contact")) {
    try {
      const own = parseNameAddrList(line, "Contact").find(({ uri }) => uri.user === contactUser);
      text ??= own?.params.get("expires");
    } catch {
      // A list that cannot be read says nothing.
    }
  }
  const seconds = Number.parseInt(text ?? response.headers.get("Expires") ?? "", 10);
  if (!Number.isInteger(seconds)) return asked;
  return Math.min(Math.max(seconds, EXPIRES_SECONDS_MIN), EXPIRES_SECONDS_MAX);
}
