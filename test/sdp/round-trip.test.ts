import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answerOffer, applyAnswer, createOffer, type LocalMedia } from "../../src/sdp/offer-answer.ts";
import { formatSession, parseSession } from "../../src/sdp/session.ts";

const side = (address: string, sessionId: string) =>
  fc.record({
    address: fc.constant(address),
    sessionId: fc.constant(sessionId),
    rtpPort: fc.integer({ min: 5000, max: 30_000 }).map((port) => port * 2),
    codecs: fc.constantFrom(["PCMU", "PCMA"], ["PCMA", "PCMU"], ["PCMA"], ["PCMU"]) as fc.Arbitrary<
      ("PCMU" | "PCMA")[]
    >,
    offerRtcpMux: fc.boolean(),
    direction: fc.record({ sending: fc.boolean(), receiving: fc.boolean() }),
  });

function keys() {
  let next = 1;
  return (length: number) => new Uint8Array(length).fill(next++ % 256);
}

describe("RFC 3264 two gateways negotiate with each other", () => {
  it("agree on codec, addresses, directions and keys, over three rounds", () => {
    fc.assert(
      fc.property(
        side("192.0.2.1", "1"),
        side("192.0.2.2", "2"),
        fc.constantFrom("none", "required" as const),
        (first, second, security) => {
          const common = first.codecs.filter((codec) => second.codecs.includes(codec));
          fc.pre(common.length > 0);
          const randomBytes = keys();
          const a: LocalMedia = { ...first, security };
          const b: LocalMedia = { ...second, security };

          const offer = createOffer(a, { randomBytes });
          const received = parseSession(formatSession(offer));
          const { answer, negotiated: atB } = answerOffer(received, b, { randomBytes });
          const atA = applyAnswer(offer, parseSession(formatSession(answer)), a);
          expect(atA.codec).toBe(common[0]);
          expect(atB.codec).toBe(common[0]);
          expect(atA.remoteRtp).toEqual({ address: b.address, port: b.rtpPort });
          expect(atB.remoteRtp).toEqual({ address: a.address, port: a.rtpPort });
          expect([atA.direction.sending, atA.direction.receiving]).toEqual([
            atB.direction.receiving,
            atB.direction.sending,
          ]);
          expect(atA.rtcpMux).toBe(atB.rtcpMux);
          expect(atA.srtp?.sendKeySalt).toEqual(atB.srtp?.receiveKeySalt);
          expect(atA.srtp?.receiveKeySalt).toEqual(atB.srtp?.sendKeySalt);
          expect(atA.srtp !== null).toBe(security === "required");
          if (atA.srtp !== null) expect(atA.srtp.sendKeySalt).not.toEqual(atA.srtp.receiveKeySalt);

          // B holds, then A resumes: keys and payload types stay (SDP-SEC-7, SDP-6).
          const held: LocalMedia = { ...b, direction: { sending: true, receiving: false } };
          const hold = createOffer(held, { randomBytes, previous: { local: answer, remote: received } });
          const previousAtA = { local: offer, remote: answer };
          const { answer: holdAnswer, negotiated: heldAtA } = answerOffer(hold, a, {
            randomBytes,
            previous: previousAtA,
          });
          const heldAtB = applyAnswer(hold, holdAnswer, held);
          expect(heldAtA.heldByRemote).toBe(true);
          expect(heldAtA.direction.sending).toBe(false);
          expect(heldAtB.direction.receiving).toBe(false);
          expect(heldAtA.srtp).toEqual(atA.srtp);
          expect(heldAtB.srtp).toEqual(atB.srtp);
          expect([heldAtA.codec, heldAtA.payloadType]).toEqual([atA.codec, atA.payloadType]);

          const resume = createOffer(a, { randomBytes, previous: { local: holdAnswer, remote: hold } });
          const { answer: last, negotiated: resumed } = answerOffer(resume, b, {
            randomBytes,
            previous: { local: hold, remote: holdAnswer },
          });
          expect(resumed.srtp).toEqual(atB.srtp);
          expect(resumed.codec).toBe(atB.codec);
          expect(Number(last.origin.sessionVersion)).toBeGreaterThanOrEqual(Number(answer.origin.sessionVersion));
          expect(last.origin.sessionId).toBe(answer.origin.sessionId);
        },
      ),
      { numRuns: 300 },
    );
  });
});
