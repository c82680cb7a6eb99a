/** A request that waits as octets is read again when it is asked for. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { HeldRequest } from "../../src/sip/held-request.ts";
import type { SipRequest } from "../../src/sip/message.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { serializeMessage } from "../../src/sip/serialize.ts";
import { stampVia } from "../../src/sip/transport/via-rules.ts";
import { flowOf } from "../support/sip-transactions.ts";
import { lines } from "../support/sip-wire.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

const OCTETS = lines([
  "INVITE sip:b@192.0.2.2 SIP/2.0",
  "Via: SIP/2.0/UDP inside.example:5060;branch=z9hG4bKone;rport",
  'From: "J\u00fcrgen" <sip:a@192.0.2.1>;tag=theirs',
  "To: <sip:b@192.0.2.2>",
  "Call-ID: call",
  "CSeq: 1 INVITE",
  "Contact: <sip:a@192.0.2.1>",
]);

/** Holds one whose parsed form nobody else keeps. */
function hold(octets: Uint8Array): { held: HeldRequest; before: Buffer; parsed: WeakRef<SipRequest> } {
  const request = parseMessage(octets) as SipRequest;
  stampVia(request, flowOf("udp"));
  const held = new HeldRequest(request, octets, flowOf("udp"));
  return { held, before: serializeMessage(request), parsed: new WeakRef(request) };
}

describe("a request that waits", () => {
  it("is the very one while somebody has it", () => {
    const request = parseMessage(OCTETS) as SipRequest;
    expect(new HeldRequest(request, OCTETS).request).toBe(request);
  });

  it("is read again once nobody has it: the same octets, the same stamp on its Via (RFC 3261 18.2.1)", async () => {
    const { held, before, parsed } = hold(OCTETS);
    // What was looked at in this turn is not collected before its end.
    await new Promise<void>((done) => setImmediate(done));
    gc();
    expect(parsed.deref()).toBeUndefined();
    expect(held.request.vias[0]?.params.get("received")).toBe("192.0.2.1");
    expect(held.request.from.displayName).toBe("J\u00fcrgen");
    expect(serializeMessage(held.request)).toEqual(before);
  });

  it("of ours may be larger than what is taken from others", async () => {
    const make = (): HeldRequest => {
      const request = parseMessage(OCTETS) as SipRequest;
      for (let i = 0; i < 300; i++) request.headers.add("X-Many", String(i));
      return new HeldRequest(request, serializeMessage(request));
    };
    const held = make();
    await new Promise<void>((done) => setImmediate(done));
    gc();
    expect(held.request.callId).toBe("call");
  });
});
