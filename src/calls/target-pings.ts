/**
 * The gateway's own OPTIONS to its targets (R-KEEP-6, RFC 3261 §11): each target that asks for it is asked at its interval,
 * targets behind one next hop together. What comes of it goes into the table of `target-health.ts`. 503 counts as silence,
 * since a server says so when it wants calls to go elsewhere; any other answer shows that it is there.
 */

import type { Timer } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { retryAfterSeconds } from "../sip/header-values.ts";
import type { SipResponse } from "../sip/message.ts";
import { nameAddr } from "../sip/name-addr.ts";
import { formatUri, sipUri } from "../sip/uri.ts";
import type { OutgoingRequestOptions } from "../sip/user-agent.ts";
import { type PlannedInvite, planInvite } from "../trunking/origination.ts";
import type { OriginationTarget } from "../trunking/records.ts";
import { readTargetUri } from "../trunking/target-uri.ts";
import type { CallContext } from "./call-context.ts";

/** How often it is seen what is due; the interval of a target is kept as well as this allows. */
const LOOK_MS = 250;
/** How often the records are read for what is to be asked at all. */
const READ_MS = 5000;
/** Silence that is a miss, unless the interval is shorter: what an INVITE waits for as well (R-ORIG-17). */
const SILENCE_MS = 4000;

/** The part of the SIP stack that is used. */
export interface Asker {
  request(options: OutgoingRequestOptions): Promise<SipResponse>;
}

/** A next hop and the targets behind it. */
interface Hop {
  readonly planned: PlannedInvite;
  readonly tlsVerify: boolean;
  readonly targets: Map<string, OriginationTarget>;
  intervalMs: number;
}

type Needed = Pick<CallContext, "clock" | "log" | "store" | "edges" | "localEdges" | "random" | "targetHealth"> & {
  readonly settings: Pick<CallContext["settings"], "baseDomain" | "targetOptionsSeconds">;
};

export class TargetPings {
  readonly #ctx: Needed;
  readonly #asker: Asker;
  /** Next hop → when it is due, monotonic ms. */
  readonly #dueMs = new Map<string, number>();
  readonly #open = new Set<string>();
  #hops: ReadonlyMap<string, Hop> = new Map();
  #readMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(ctx: Needed, asker: Asker) {
    this.#ctx = ctx;
    this.#asker = asker;
  }

  start(): void {
    this.#timer = this.#ctx.clock.after(LOOK_MS, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { clock, random } = this.#ctx;
    const nowMs = clock.nowMs();
    if (nowMs - this.#readMs >= READ_MS) this.#read(nowMs);
    for (const [key, hop] of this.#hops) {
      // A new one begins at a random moment of its interval, so that not all are asked at once.
      const dueMs = this.#dueMs.get(key) ?? nowMs + random() * hop.intervalMs;
      if (nowMs < dueMs || this.#open.has(key)) this.#dueMs.set(key, dueMs);
      else {
        this.#dueMs.set(key, Math.max(dueMs + hop.intervalMs, nowMs));
        void this.#ask(key, hop);
      }
    }
  }

  #read(nowMs: number): void {
    const hops = this.#hopsOfRecords();
    const sidsOf = (some: ReadonlyMap<string, Hop>) => [...some.values()].flatMap(({ targets }) => [...targets.keys()]);
    const asked = new Set(sidsOf(hops));
    for (const sid of sidsOf(this.#hops)) if (!asked.has(sid)) this.#ctx.targetHealth.forgetMisses(sid);
    for (const key of this.#dueMs.keys()) if (!hops.has(key)) this.#dueMs.delete(key);
    this.#hops = hops;
    this.#readMs = nowMs;
  }

  /** Never rejects. */
  async #ask(key: string, hop: Hop): Promise<void> {
    const { settings, localEdges } = this.#ctx;
    const { requestUri, nextHop, edge } = hop.planned;
    const { sendFrom } = localEdges.egress(edge, localEdges.default).edge;
    // The host as a whole is asked, not a number at it.
    const uri = { ...requestUri, user: undefined, params: nextHop.params };
    this.#open.add(key);
    try {
      const response = await this.#asker.request({
        method: "OPTIONS",
        uri,
        nextHop,
        ...(sendFrom === undefined ? {} : { localAddresses: sendFrom }),
        from: nameAddr(sipUri("ping", `sip.${settings.baseDomain}`)),
        to: nameAddr({ ...uri, port: undefined, params: new Map() }),
        timeoutMs: Math.min(SILENCE_MS, hop.intervalMs),
        tlsVerify: hop.tlsVerify,
      });
      if (response.status === 503) this.#missed(hop, "503 to OPTIONS", retryAfterSeconds(response.headers));
      else this.#answered(hop);
    } catch (error) {
      this.#missed(hop, messageOf(error), undefined);
    } finally {
      this.#open.delete(key);
    }
  }

  #answered(hop: Hop): void {
    for (const [sid, { sipUrl }] of hop.targets)
      if (this.#ctx.targetHealth.answered(sid, labelOf(sipUrl)))
        this.#ctx.log.info("a target answers OPTIONS again and gets calls", { target: labelOf(sipUrl), sid });
  }

  #missed(hop: Hop, why: string, retryAfter: number | undefined): void {
    const { targetHealth, log } = this.#ctx;
    for (const [sid, { sipUrl }] of hop.targets) {
      targetHealth.backOff(sid, labelOf(sipUrl), retryAfter);
      if (targetHealth.missed(sid, labelOf(sipUrl)))
        log.warn("a target does not answer OPTIONS and gets no calls", { target: labelOf(sipUrl), sid, why });
    }
  }

  /** The next hops that are to be asked now, by where the packets go and how. */
  #hopsOfRecords(): Map<string, Hop> {
    const { store } = this.#ctx;
    const hops = new Map<string, Hop>();
    for (const target of store.list("originationUrls")) {
      const trunk = store.get("trunks", target.parentSid);
      if (trunk !== undefined) this.#add(hops, target, "trunk", trunk.secure, trunk.tlsVerify);
    }
    const unverified = new Set<string>();
    for (const trunk of store.list("byocTrunks"))
      if (!trunk.tlsVerify && trunk.connectionPolicySid !== null) unverified.add(trunk.connectionPolicySid);
    for (const target of store.list("connectionPolicyTargets"))
      this.#add(hops, target, "byoc", false, !unverified.has(target.parentSid));
    return hops;
  }

  #add(
    hops: Map<string, Hop>,
    target: OriginationTarget,
    kind: "trunk" | "byoc",
    secure: boolean,
    tlsVerify: boolean,
  ): void {
    // A record that an older version stored has no interval of its own.
    const intervalMs = (target.optionsSeconds ?? this.#ctx.settings.targetOptionsSeconds) * 1000;
    if (!target.enabled || intervalMs <= 0) return;
    const reading = readTargetUri(target.sipUrl, this.#ctx.edges);
    if (!("uri" in reading)) return;
    const planned = planInvite(reading.uri, { dialled: "", kind, secure, diversionHost: null });
    const key = `${formatUri(planned.nextHop)} ${tlsVerify} ${planned.edge}`;
    const hop = hops.get(key) ?? { planned, tlsVerify, targets: new Map(), intervalMs };
    hop.targets.set(target.sid, target);
    hop.intervalMs = Math.min(hop.intervalMs, intervalMs);
    hops.set(key, hop);
  }
}

function labelOf(sipUrl: string): string {
  return sipUrl.split("?")[0]!;
}
