/** All dialogs by their id: Call-ID and both tags (RFC 3261 §12), and invitations by Call-ID and our tag. */

import type { Flow, SipRequest } from "../message.ts";
import { joined } from "../tokens.ts";
import type { ServerTransaction } from "../transaction/server-transaction.ts";

/** What takes requests inside a dialog. */
export interface DialogEndpoint {
  receive(transaction: ServerTransaction): void;
  acknowledged(ack: SipRequest, flow: Flow): void;
}

export class DialogTable {
  readonly #dialogs = new Map<string, DialogEndpoint>();
  /** Invitations that have no answer yet: the caller may send BYE on the early dialog (§15). */
  readonly #early = new Map<string, DialogEndpoint>();

  add(callId: string, localTag: string, remoteTag: string, dialog: DialogEndpoint): void {
    this.#dialogs.set(joined(callId, localTag, remoteTag), dialog);
  }

  remove(callId: string, localTag: string, remoteTag: string): void {
    this.#dialogs.delete(joined(callId, localTag, remoteTag));
  }

  /** Removes it unless another has taken its place. */
  removeIf(callId: string, localTag: string, remoteTag: string, dialog: DialogEndpoint): void {
    if (this.#dialogs.get(joined(callId, localTag, remoteTag)) === dialog) this.remove(callId, localTag, remoteTag);
  }

  addEarly(callId: string, localTag: string, endpoint: DialogEndpoint): void {
    this.#early.set(joined(callId, localTag), endpoint);
  }

  removeEarly(callId: string, localTag: string): void {
    this.#early.delete(joined(callId, localTag));
  }

  /** Who takes this request: our tag is in To, theirs in From. */
  find(request: SipRequest): DialogEndpoint | undefined {
    const localTag = request.to.params.get("tag") ?? "";
    const remoteTag = request.from.params.get("tag") ?? "";
    return (
      this.#dialogs.get(joined(request.callId, localTag, remoteTag)) ??
      this.#early.get(joined(request.callId, localTag))
    );
  }

  get size(): number {
    return this.#dialogs.size;
  }

  get earlySize(): number {
    return this.#early.size;
  }
}
