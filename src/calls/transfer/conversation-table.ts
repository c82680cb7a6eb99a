/**
 * The dialogs of all calls that are up and joined, and of those that ring, so that a Replaces finds who is meant (RFC 3891 §3). Dialogs that
 * ended lately are remembered by name: they get another answer than those that never were.
 */

import { FifoSet } from "../../base/fifo-set.ts";
import type { WorkerHandle } from "../../scheduler/worker-handle.ts";
import type { Replaces } from "../../sip/replaces.ts";
import type { Dialog } from "../../sip/user-agent.ts";
import type { CallRecording } from "../recording/call-recording.ts";
import type { Party } from "./party.ts";

/** What others may do with a conversation. */
export interface Exchange {
  readonly accountSid: string;
  /** The other party. */
  partnerOf(party: Party): Party;
  /** False while a transfer is under way, and when it is over. */
  readonly open: boolean;
  /** The newcomer talks with the leaver's partner from now on; the leaver gets BYE. False when it is not open. */
  exchange(leaver: Party, newcomer: Party): boolean;
  /** Lets the party go without BYE; its partner gets BYE. False when it is not open. */
  giveAway(party: Party): boolean;
  /** Joins the two again after one of them was moved to another worker and not taken. */
  rejoin(): void;
  /** Gives up what is recorded of it, to be gone on with elsewhere. */
  detachRecording(): CallRecording | undefined;
  /** Takes it back. */
  attachRecording(recording: CallRecording): void;
}

/** A party and the conversation that it is in. */
export interface Seat {
  readonly exchange: Exchange;
  readonly party: Party;
}

/** What names a dialog, early or confirmed (RFC 3261 §12). */
export type DialogId = Pick<Dialog, "callId" | "localTag" | "remoteTag">;

/** A call of ours that rings at somebody's and has no answer yet. */
export interface RingingCall {
  readonly accountSid: string;
  /** The trunk whose customer is called. */
  readonly trunkSid: string;
  /** Where the caller's media are. */
  readonly worker: WorkerHandle;
  /** The newcomer talks with the caller, and who was called gets CANCEL. False when somebody has answered meanwhile. */
  take(newcomer: Party): boolean;
}

const ENDED_MAX = 1000;

export class ConversationTable {
  readonly #seats = new Map<string, Seat>();
  readonly #ringing = new Map<string, RingingCall>();
  /** In the order of ending. */
  readonly #ended = new FifoSet<string>();

  add(seat: Seat): void {
    this.#seats.set(keyOfDialog(seat.party.leg.dialog), seat);
  }

  remove(dialog: Dialog): void {
    const key = keyOfDialog(dialog);
    if (!this.#seats.delete(key)) return;
    this.#ended.add(key);
    if (this.#ended.size > ENDED_MAX) this.#ended.takeOldest();
  }

  /** The party whose dialog is meant; `to-tag` is ours (RFC 3891 §3). */
  find(replaces: Replaces): Seat | undefined {
    return this.#seats.get(keyOf(replaces));
  }

  /** True for a dialog that was joined and ended lately. */
  hasEnded(replaces: Replaces): boolean {
    return this.#ended.has(keyOf(replaces));
  }

  addRinging(dialog: DialogId, ringing: RingingCall): void {
    this.#ringing.set(keyOfDialog(dialog), ringing);
  }

  removeRinging(dialog: DialogId): void {
    this.#ringing.delete(keyOfDialog(dialog));
  }

  /** The early dialog that is meant, if we began it. */
  findRinging(replaces: Replaces): RingingCall | undefined {
    return this.#ringing.get(keyOf(replaces));
  }

  get size(): number {
    return this.#seats.size + this.#ringing.size;
  }
}

function keyOfDialog({ callId, localTag, remoteTag }: DialogId): string {
  return `${callId} ${localTag} ${remoteTag}`;
}

function keyOf({ callId, toTag, fromTag }: Replaces): string {
  return `${callId} ${toTag} ${fromTag}`;
}
