/**
 * Two answered parties of a trunk call, until both are gone (R-XFER). They hear each other; whoever hangs up first ends the other.
 * A REFER of one may put a new party in its place, and so may an INVITE with Replaces.
 */

import type { Timer } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import { step } from "../../base/machine.ts";
import { ReferSubscription } from "../../sip/dialog/refer-subscription.ts";
import type { InDialogRequest } from "../../sip/user-agent.ts";
import { rejection } from "../answer-reoffer.ts";
import type { CallContext } from "../call-context.ts";
import { relayDigits } from "../digit-relay.ts";
import { playHoldAudio } from "../hold-audio.ts";
import type { CallRecording } from "../recording/call-recording.ts";
import { CONVERSATION_TABLE, type ConversationEvent, type ConversationState } from "./conversation-state.ts";
import type { Exchange, Seat } from "./conversation-table.ts";
import { judgeRefer, type PermittedTarget } from "./judge-refer.ts";
import type { Party } from "./party.ts";
import { TransferAttempt } from "./transfer-attempt.ts";
import { transferTargets } from "./transfer-targets.ts";

/** How long a transferor that was told of the success may take for its own BYE. */
const BYE_GRACE_MS = 1000;
/** A REFER that follows a REFER that follows … makes a new call each time. */
const TRANSFERS_MAX = 20;

export interface ConversationOptions {
  readonly accountSid: string;
  /** Longest time together (SIP-INV-13). */
  readonly limitMs: number;
  /** Call SID that calls to transfer targets are children of. */
  readonly callSid: string;
  /** What is recorded of that call: it goes on until the conversation is over (R-XFER-10). */
  readonly recording?: CallRecording | undefined;
}

export class Conversation implements Exchange {
  readonly accountSid: string;
  readonly #ctx: CallContext;
  readonly #options: ConversationOptions;
  #state: ConversationState = "together";
  #parties: readonly [Party, Party];
  readonly #releases = new Map<Party, () => void>();
  readonly #over = Promise.withResolvers<void>();
  /** Ends of all legs that ever were in it. */
  readonly #gone: Promise<void>[] = [];
  #attempt: TransferAttempt | undefined;
  #transfers = 0;
  /** Why the first party left, in its words. */
  #reason: string | undefined;
  #limit: Timer | undefined;
  #stopTogether: (() => void) | undefined;
  #recording: CallRecording | undefined;

  constructor(ctx: CallContext, parties: readonly [Party, Party], options: ConversationOptions) {
    this.#ctx = ctx;
    this.#parties = parties;
    this.#options = options;
    this.accountSid = options.accountSid;
    this.#recording = options.recording;
    this.#recording?.hold();
  }

  /** Resolves when it is over and every leg that took part has ended. */
  async run(): Promise<void> {
    const { limitMs } = this.#options;
    this.#limit = this.#ctx.clock.after(limitMs, () => {
      this.#note("ended", `the limit of ${limitMs / 1000} s was reached`);
      this.#fire("party left");
    });
    for (const party of this.#parties) this.#seat(party);
    this.#join();
    await this.#over.promise;
    await Promise.all(this.#gone);
  }

  get open(): boolean {
    return this.#state === "together";
  }

  partnerOf(party: Party): Party {
    const [a, b] = this.#parties;
    return party === a ? b : a;
  }

  exchange(leaver: Party, newcomer: Party): boolean {
    if (!this.open || !this.#parties.includes(leaver)) return false;
    this.#replace(leaver, newcomer);
    this.#fire("exchanged");
    leaver.leg.hangup();
    return true;
  }

  detachRecording(): CallRecording | undefined {
    const recording = this.#recording;
    this.#recording = undefined;
    return recording;
  }

  attachRecording(recording: CallRecording): void {
    if (this.#state === "over") this.#ctx.recordings.end(recording);
    else this.#recording = recording;
  }

  giveAway(party: Party): boolean {
    if (!this.open || !this.#parties.includes(party)) return false;
    this.#release(party);
    this.#fire("given away");
    return true;
  }

  rejoin(): void {
    // While a transfer is under way its end joins them.
    if (this.open) this.#join();
  }

  /** From now on the party's requests and its end are ours. */
  #seat(party: Party): void {
    const { leg } = party;
    const stopWatching = leg.onEnded((end) => {
      this.#reason ??= end.reason;
      this.#left(party);
    });
    leg.onRequest = (request) => this.#requested(party, request);
    this.#ctx.conversations.add({ exchange: this, party });
    this.#releases.set(party, () => {
      stopWatching();
      leg.onRequest = undefined;
      this.#ctx.conversations.remove(leg.dialog);
    });
    this.#gone.push(leg.gone.then(() => leg.call.apply("hung-up")));
    if (leg.ended) this.#left(party);
  }

  #release(party: Party): void {
    this.#releases.get(party)?.();
    this.#releases.delete(party);
  }

  #replace(leaver: Party, newcomer: Party): void {
    const partner = this.partnerOf(leaver);
    this.#release(leaver);
    this.#parties = [partner, newcomer];
    this.#seat(newcomer);
  }

  #left(party: Party): void {
    this.#release(party);
    this.#fire("party left");
  }

  #requested(party: Party, incoming: InDialogRequest): void {
    if (incoming.request.method === "REFER") this.#referred(party, incoming);
    else incoming.respond(405);
  }

  #referred(party: Party, incoming: InDialogRequest): void {
    const { store } = this.#ctx;
    const trunk = party.trunkSid === undefined ? undefined : store.get("trunks", party.trunkSid);
    const judgement = judgeRefer(this.#ctx, trunk, incoming.request, !this.open);
    if (judgement.kind === "refused") this.#refuse(party, incoming, judgement.status, judgement.text);
    else if (this.#transfers >= TRANSFERS_MAX) this.#refuse(party, incoming, 403, "the call was transferred too often");
    else if (judgement.kind === "join") void this.#joinWith(party, judgement.seat, incoming);
    else void this.#transfer(party, incoming, judgement.to, judgement.headers);
  }

  #refuse(party: Party, incoming: InDialogRequest, status: number, text: string): void {
    const retry = status === 503 ? [["Retry-After", "5"] as const] : [];
    incoming.respond(status, { headers: [...rejection(text).headers!, ...retry] });
    party.leg.call.note("transfer", `REFER refused with ${status}: ${text}`, { code: "transfer.refused", status });
    this.#ctx.alerts.raise({
      code: 32218,
      level: "warning",
      text: `transfer refused: ${text}`,
      accountSid: this.accountSid,
      callSid: party.leg.call.sid,
      remote: party.leg.call.details.remote ?? "",
      sipStatus: status,
    });
  }

  /** R-XFER-3: the target is called, and takes the transferor's place when it answers. */
  async #transfer(
    transferor: Party,
    incoming: InDialogRequest,
    to: PermittedTarget,
    headers: readonly (readonly [string, string])[],
  ): Promise<void> {
    const trunk = this.#ctx.store.get("trunks", transferor.trunkSid!)!;
    const transferee = this.partnerOf(transferor);
    const caller = (trunk.transferCallerId === "from-transferor" ? transferor : transferee).number;
    const edge = this.#ctx.localEdges.ofCall(transferee.leg.call);
    const targets = transferTargets(this.#ctx, edge, trunk, to, caller, headers, (text) =>
      transferor.leg.call.note("routed", text),
    );
    if (targets === undefined) {
      this.#refuse(transferor, incoming, 404, "the trunk has no carrier link for numbers");
      return;
    }
    this.#transfers++;
    const subscription = ReferSubscription.accept(transferor.leg.dialog, incoming);
    const attempt = new TransferAttempt(this.#ctx, {
      accountSid: this.accountSid,
      trunkSid: trunk.sid,
      parentSid: this.#options.callSid,
      transferee,
      targets,
      caller,
    });
    transferor.leg.call.note("transfer", `REFER to ${targets.called} accepted`, {
      code: "transfer.accepted",
      childCallSid: attempt.call.sid,
    });
    this.#attempt = attempt;
    this.#fire("referred");
    this.#recording?.stay(transferee.leg);
    const leg = await attempt.run(subscription);
    this.#attempt = undefined;
    if (this.#state !== "transferring") {
      leg?.hangup();
      if (leg !== undefined) attempt.call.apply("hung-up");
      return;
    }
    if (leg === undefined) {
      transferor.leg.call.note("transfer", `${targets.called} did not take the call, which goes on as before`, {
        code: "transfer.failed",
        status: attempt.call.sipStatus,
      });
      this.#fire("target failed");
      return;
    }
    const trunkSid = targets.ofCustomer ? trunk.sid : undefined;
    this.#dismiss(transferor, subscription);
    this.#replace(transferor, { leg, number: targets.called, trunkSid });
    this.#fire("target answered");
  }

  /** Attended transfer with both calls here: the two far parties are joined, the transferor leaves both calls (SIP-REF-6). */
  async #joinWith(transferor: Party, seat: Seat, incoming: InDialogRequest): Promise<void> {
    const { exchange } = seat;
    if (exchange === this || !exchange.open) {
      this.#refuse(transferor, incoming, 491, "the other call cannot be joined now");
      return;
    }
    this.#transfers++;
    const subscription = ReferSubscription.accept(transferor.leg.dialog, incoming);
    const target = exchange.partnerOf(seat.party);
    const transferee = this.partnerOf(transferor);
    this.#fire("referred");
    try {
      await target.leg.moveTo(transferee.leg.media.worker);
    } catch (error) {
      transferor.leg.call.note("transfer", `the parties could not be joined: ${messageOf(error)}`, {
        code: "media.unjoined",
      });
      subscription.finish(500);
      this.#fire("target failed");
      return;
    }
    const adopted = this.#recording === undefined ? exchange.detachRecording() : undefined;
    if (this.#state !== "transferring" || !exchange.giveAway(target)) {
      if (adopted !== undefined) exchange.attachRecording(adopted);
      exchange.rejoin();
      subscription.finish(481);
      this.#fire("target failed");
      return;
    }
    transferor.leg.call.note("transfer", `joined with call ${target.leg.call.sid}`, {
      code: "transfer.joined",
      callSid: target.leg.call.sid,
    });
    const { accountSid } = transferor.leg.call.details;
    if (transferor.trunkSid !== undefined) this.#ctx.usage.count({ sid: transferor.trunkSid, accountSid }, "transfers");
    this.#recording ??= adopted;
    subscription.finish(200);
    this.#dismiss(transferor, subscription);
    this.#replace(transferor, target);
    this.#fire("target answered");
  }

  /** The transferor has nothing to hear any more: it hangs up itself, or we do. */
  #dismiss({ leg }: Party, subscription: ReferSubscription): void {
    void subscription.settled.then(() => {
      const grace = this.#ctx.clock.after(BYE_GRACE_MS, () => leg.hangup());
      void leg.gone.then(() => grace.cancel());
    });
  }

  #fire(event: ConversationEvent): void {
    const row = step(CONVERSATION_TABLE, this.#state, event);
    if (row === undefined) return;
    this.#state = row.next;
    for (const action of row.actions) {
      if (action === "join") this.#join();
      else if (action === "part") this.#part();
      else if (action === "cancel transfer") this.#attempt?.cancel();
      else this.#hangUp();
    }
  }

  #join(): void {
    const [first, second] = this.#parties;
    this.#stopTogether?.();
    const stops = [
      relayDigits(first.leg, second.leg),
      playHoldAudio(this.#ctx.settings.holdAudio, first.leg, second.leg),
    ];
    this.#stopTogether = () => {
      for (const stop of stops) stop();
    };
    this.#bridge(first, second).catch((error) => this.#failed("the legs could not be joined", error));
  }

  async #bridge(first: Party, second: Party): Promise<void> {
    const { worker } = first.leg.media;
    // A move that came to nothing may have parted them.
    if (second.leg.media.worker !== worker) {
      await second.leg.moveTo(worker);
      if (this.#parties[0] !== first || this.#parties[1] !== second || !this.open) return;
    }
    this.#recording?.join(first.leg, second.leg);
    await first.leg.media.bridge(second.leg.media);
  }

  /** R-XFER-3: held here; what either says is heard by nobody. */
  #part(): void {
    this.#stopTogether?.();
    const parted = Promise.all(this.#parties.map(({ leg }) => leg.media.unbridge()));
    parted.catch((error) => this.#failed("the legs could not be parted", error));
  }

  #failed(what: string, error: unknown): void {
    if (this.#state === "over") return;
    this.#note("media", `${what}: ${messageOf(error)}`);
    this.#fire("party left");
  }

  #hangUp(): void {
    this.#stopTogether?.();
    this.#limit?.cancel();
    // Before its leg is closed, so that the worker closes the file for us.
    if (this.#recording !== undefined) this.#ctx.recordings.end(this.#recording);
    for (const party of this.#parties) {
      // A party that was given away is another's.
      const isOurs = this.#releases.has(party);
      this.#release(party);
      if (isOurs) party.leg.hangup(this.#reason);
    }
    this.#over.resolve();
  }

  #note(step: "ended" | "media", text: string): void {
    this.#parties[0].leg.call.note(step, text);
  }
}
