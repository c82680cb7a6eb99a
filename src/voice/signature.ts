/** `X-Twilio-Signature` (twiml.md 6): proves to the application that a request came from the owner of the account. */

import { createHash, createHmac } from "node:crypto";

/** Name and value of one parameter, decoded. */
export type Parameter = readonly [name: string, value: string];

/**
 * The signature of a request.
 * @param url - exactly as requested, query included; a fragment is left out
 * @param parameters - form parameters of a POST; none for GET and WebSocket requests
 */
export function twilioSignature(authToken: string, url: string, parameters: readonly Parameter[]): string {
  const hash = url.indexOf("#");
  let data = hash < 0 ? url : url.slice(0, hash);
  const values = new Map<string, Set<string>>();
  for (const [name, value] of parameters) {
    const known = values.get(name);
    if (known === undefined) values.set(name, new Set([value]));
    else known.add(value);
  }
  // Names and repeated values in the default order of JavaScript, which is that of UTF-16 code units.
  for (const name of [...values.keys()].sort()) for (const value of [...values.get(name)!].sort()) data += name + value;
  return createHmac("sha1", authToken).update(data, "utf8").digest("base64");
}

/** URL with `bodySHA256` for a request with a JSON body; that URL is what is signed, without parameters. */
export function withBodyHash(url: string, body: string | Uint8Array): string {
  const digest = createHash("sha256").update(body).digest("hex");
  return `${url}${url.includes("?") ? "&" : "?"}bodySHA256=${digest}`;
}
