/**
 * A bounded memory of the SIP messages of recent calls, for `tandem explain`: octets as they were on the wire, secrets masked
 * before they are kept, nothing parsed and no text built. It lives in memory alone and never touches a disk (R-COMP-1).
 *
 * What has to go when room is needed: calls that went well, then INVITEs that never became a call, then calls that failed, and
 * calls that are up last of all; of each kind the oldest first. Strangers never have more than a quarter of the room.
 */

import type { Clock } from "../base/clock.ts";
import { maskSecrets } from "../explain/mask-octets.ts";
import type { Flow, SipMessage } from "../sip/message.ts";
import type { Decision } from "./decisions.ts";

export interface SipTraceSettings {
  /** Dialogs (Call-IDs) that are kept; a call through the gateway has two. 0 keeps none. */
  readonly dialogsMax: number;
  /** Octets of all messages together. 0 keeps none. */
  readonly bytesMax: number;
}

export interface TracedMessage {
  /** By the monotonic clock. */
  readonly atMs: number;
  readonly direction: "in" | "out";
  readonly transport: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly octets: Uint8Array;
}

/** What is known of one Call-ID. */
export interface TracedDialog {
  readonly callId: string;
  readonly startMs: number;
  readonly startedAt: Date;
  /** True when no call was made of it. */
  readonly stranger: boolean;
  /** More than one account has a call of this Call-ID. */
  readonly shared: boolean;
  readonly accountSid: string;
  /** Messages by time; when there were too many, those in the middle are missing. */
  readonly messages: readonly TracedMessage[];
  readonly omitted: number;
  /** What was decided while there was no call. */
  readonly decisions: readonly Decision[];
}

type Kind = "stranger" | "good" | "failed" | "open";

/** In the order in which they go. */
const KINDS: readonly Kind[] = ["good", "stranger", "failed", "open"];
const STRANGERS_SHARE = 0.25;
const CHUNK_BYTES = 4096;
/** Longer messages keep their beginning: an INVITE that is refused may bring 64 KiB. */
const MESSAGE_BYTES_MAX = 8192;
const HEAD_MESSAGES_MAX = 150;
const TAIL_MESSAGES_MAX = 50;
const DECISIONS_MAX = 20;

interface Entry {
  readonly atMs: number;
  readonly direction: "in" | "out";
  readonly flow: Flow;
  readonly chunk: Uint8Array;
  readonly start: number;
  readonly end: number;
}

class Dialog {
  readonly callId: string;
  readonly startMs: number;
  readonly startedAt: Date;
  kind: Kind;
  accountSid = "";
  shared = false;
  bytes = 0;
  /** Messages are laid one behind the other into chunks, which are used again. */
  readonly chunks: Uint8Array[] = [];
  used = CHUNK_BYTES;
  readonly head: Entry[] = [];
  readonly tail: Entry[] = [];
  omitted = 0;
  readonly decisions: Decision[] = [];

  constructor(callId: string, kind: Kind, clock: Clock) {
    this.callId = callId;
    this.kind = kind;
    this.startMs = clock.nowMs();
    this.startedAt = clock.wallTime();
  }
}

export class SipTrace {
  readonly #clock: Clock;
  readonly #settings: SipTraceSettings;
  readonly #dialogs = new Map<string, Dialog>();
  /** Oldest first within a kind. */
  readonly #byKind: Readonly<Record<Kind, Set<Dialog>>> = {
    stranger: new Set(),
    good: new Set(),
    failed: new Set(),
    open: new Set(),
  };
  readonly #spare: Uint8Array[] = [];
  #bytes = 0;
  #strangerBytes = 0;

  constructor(clock: Clock, settings: SipTraceSettings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  get enabled(): boolean {
    return this.#settings.dialogsMax > 0 && this.#settings.bytesMax > 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#dialogs.size;
  }

  /** Keeps a message of a call; an INVITE that makes a dialog begins a new one. For `SipStack.onMessage`. */
  observe(direction: "in" | "out", message: SipMessage, flow: Flow, octets: Uint8Array): void {
    let dialog = this.#dialogs.get(message.callId);
    if (dialog === undefined) {
      const isNew = message.kind === "request" && message.method === "INVITE" && !message.to.params.has("tag");
      if (!isNew || message.callId === "") return;
      dialog = this.#open(message.callId, direction === "in" ? "stranger" : "open");
    }
    this.#keep(dialog, direction, flow, octets);
    if (this.#isFull || this.#hasTooManyStrangers) this.#makeRoom(dialog);
  }

  /** Remembers what was decided about an INVITE that gets no call. */
  note(callId: string, decision: Omit<Decision, "atMs">): void {
    const dialog = this.#dialogs.get(callId);
    if (dialog === undefined || dialog.decisions.length >= DECISIONS_MAX) return;
    dialog.decisions.push({ ...decision, atMs: this.#clock.nowMs() - dialog.startMs });
  }

  /** A call was made of this Call-ID. */
  claim(callId: string, accountSid: string): void {
    const dialog = this.#dialogs.get(callId);
    if (dialog === undefined) return;
    if (dialog.accountSid !== "" && dialog.accountSid !== accountSid) dialog.shared = true;
    dialog.accountSid = accountSid;
    this.#move(dialog, "open");
  }

  /** The account that an INVITE without a call was meant for. */
  assign(callId: string, accountSid: string): void {
    const dialog = this.#dialogs.get(callId);
    if (dialog?.accountSid === "") dialog.accountSid = accountSid;
  }

  /** The call of this Call-ID is over; what still comes is kept with it. */
  settle(callId: string, failed: boolean): void {
    const dialog = this.#dialogs.get(callId);
    if (dialog !== undefined) this.#move(dialog, failed ? "failed" : "good");
  }

  of(callId: string): TracedDialog | undefined {
    const dialog = this.#dialogs.get(callId);
    return dialog === undefined ? undefined : shown(dialog);
  }

  /** INVITEs that never became a call, newest first. */
  *strangers(): Generator<TracedDialog> {
    for (const dialog of [...this.#byKind.stranger].reverse()) yield shown(dialog);
  }

  #open(callId: string, kind: Kind): Dialog {
    // A copy: the parser's text is a part of the whole message, and would hold it in memory.
    const dialog = new Dialog(Buffer.from(callId).toString(), kind, this.#clock);
    this.#dialogs.set(dialog.callId, dialog);
    this.#byKind[kind].add(dialog);
    return dialog;
  }

  #keep(dialog: Dialog, direction: "in" | "out", flow: Flow, octets: Uint8Array): void {
    const length = Math.min(octets.length, MESSAGE_BYTES_MAX);
    const isTail = dialog.head.length >= HEAD_MESSAGES_MAX;
    const chunk = isTail ? new Uint8Array(length) : this.#room(dialog, length);
    const start = isTail ? 0 : dialog.used;
    // Masked as a whole before it is cut, so that no secret hides behind the cut; long ones are rare.
    if (octets.length > length) {
      const whole = octets.slice();
      maskSecrets(whole, 0, whole.length);
      chunk.set(whole.subarray(0, length), start);
    } else {
      chunk.set(octets, start);
      maskSecrets(chunk, start, start + length);
    }
    const entry: Entry = { atMs: this.#clock.nowMs(), direction, flow, chunk, start, end: start + length };
    if (!isTail) {
      dialog.used += length;
      dialog.head.push(entry);
      return;
    }
    this.#count(dialog, length);
    dialog.tail.push(entry);
    if (dialog.tail.length <= TAIL_MESSAGES_MAX) return;
    this.#count(dialog, -dialog.tail.shift()!.chunk.length);
    dialog.omitted++;
  }

  /** A chunk of the dialog with `length` octets free at `dialog.used`. */
  #room(dialog: Dialog, length: number): Uint8Array {
    const current = dialog.chunks.at(-1);
    if (current !== undefined && dialog.used + length <= current.length) return current;
    const chunk = length > CHUNK_BYTES ? new Uint8Array(length) : (this.#spare.pop() ?? new Uint8Array(CHUNK_BYTES));
    dialog.chunks.push(chunk);
    dialog.used = 0;
    this.#count(dialog, chunk.length);
    return chunk;
  }

  #count(dialog: Dialog, bytes: number): void {
    dialog.bytes += bytes;
    this.#bytes += bytes;
    if (dialog.kind === "stranger") this.#strangerBytes += bytes;
  }

  #move(dialog: Dialog, kind: Kind): void {
    if (dialog.kind === "stranger") this.#strangerBytes -= dialog.bytes;
    this.#byKind[dialog.kind].delete(dialog);
    dialog.kind = kind;
    this.#byKind[kind].add(dialog);
    if (kind === "stranger") this.#strangerBytes += dialog.bytes;
  }

  /** @param current - is not thrown out for its own message while there is another */
  #makeRoom(current: Dialog): void {
    let dropped = true;
    while (dropped && this.#hasTooManyStrangers) dropped = this.#dropOldest("stranger", current);
    dropped = true;
    while (dropped && this.#isFull) dropped = KINDS.some((kind) => this.#dropOldest(kind, current));
  }

  get #isFull(): boolean {
    return this.#bytes > this.#settings.bytesMax || this.#dialogs.size > this.#settings.dialogsMax;
  }

  get #hasTooManyStrangers(): boolean {
    const { bytesMax, dialogsMax } = this.#settings;
    return (
      this.#strangerBytes > bytesMax * STRANGERS_SHARE || this.#byKind.stranger.size > dialogsMax * STRANGERS_SHARE
    );
  }

  #dropOldest(kind: Kind, current: Dialog): boolean {
    for (const dialog of this.#byKind[kind]) {
      if (dialog === current) continue;
      this.#forget(dialog);
      return true;
    }
    return false;
  }

  #forget(dialog: Dialog): void {
    this.#count(dialog, -dialog.bytes);
    this.#byKind[dialog.kind].delete(dialog);
    this.#dialogs.delete(dialog.callId);
    for (const chunk of dialog.chunks) if (chunk.length === CHUNK_BYTES) this.#spare.push(chunk);
  }
}

function shown(dialog: Dialog): TracedDialog {
  return {
    callId: dialog.callId,
    startMs: dialog.startMs,
    startedAt: dialog.startedAt,
    stranger: dialog.kind === "stranger",
    shared: dialog.shared,
    accountSid: dialog.accountSid,
    messages: [...dialog.head, ...dialog.tail].map(({ atMs, direction, flow, chunk, start, end }) => ({
      atMs,
      direction,
      transport: flow.transport,
      remoteAddress: flow.remoteAddress,
      remotePort: flow.remotePort,
      octets: chunk.slice(start, end),
    })),
    omitted: dialog.omitted,
    decisions: dialog.decisions,
  };
}
