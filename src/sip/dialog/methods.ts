/** Methods by what we do with them (SIP-DLG-13). */

/** Those that we take; the order is the one of Allow. */
export const METHODS = ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "REFER", "NOTIFY"];

/** Methods of RFCs that are not offered get 405 with Allow, all others 501. */
const KNOWN_METHODS: ReadonlySet<string> = new Set([
  ...METHODS,
  "REGISTER",
  "SUBSCRIBE",
  "MESSAGE",
  "PUBLISH",
  "PRACK",
]);

export function isKnownMethod(method: string): boolean {
  return KNOWN_METHODS.has(method);
}
