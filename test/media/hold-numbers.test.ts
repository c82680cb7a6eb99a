/** Sequence numbers over a hold on the relay road: what was never sent on is no gap in our stream (RFC 3550 §5.1). */
import { describe, expect, it } from "vitest";
import type { LegOptions } from "../../src/media/leg-options.ts";
import { Meeting } from "../support/meeting.ts";
import { RtpSource } from "../support/rtp-source.ts";

/** Numbers and times of what the first of two bridged legs is sent before and after it took nothing for `held` packets. */
function overHold(held: number, hold: LegOptions, resume: LegOptions) {
  const meet = new Meeting();
  const party = meet.party({});
  const other = meet.party({});
  meet.core.bridge(party.leg, other.leg, meet.nowMs);
  const source = new RtpSource({ ssrc: 0x51, sequence: 100, timestamp: 1000 });
  const sent: { sequence: number; timestamp: number; marker: boolean }[] = [];
  const talk = (count: number): void => {
    for (let i = 0; i < count; i++) {
      meet.nowMs += 20;
      meet.arrive(other, source.next(Buffer.alloc(160, 0x21)));
      meet.core.receive(meet.nowMs);
      meet.core.forEachDatagram(({ leg, component, bytes, offset }) => {
        if (leg !== party.leg || component !== 0) return;
        const packet = Buffer.from(bytes.buffer, bytes.byteOffset + offset, 12);
        sent.push({
          sequence: packet.readUInt16BE(2),
          timestamp: packet.readUInt32BE(4),
          marker: (packet[1]! & 0x80) !== 0,
        });
      });
    }
  };
  talk(10);
  meet.core.configureLeg(party.leg, hold, meet.nowMs);
  talk(held);
  meet.core.configureLeg(party.leg, resume, meet.nowMs);
  talk(10);
  return sent;
}

describe("hold and resume of a bridged leg", () => {
  it.each([
    ["a=sendonly", { sending: false }, { sending: true }],
    ["c=0.0.0.0", { remoteRtp: null }, { remoteRtp: { address: "127.0.0.9", port: 4000 } }],
  ] as [string, LegOptions, LegOptions][])(
    "RFC 3550 5.1, RFC 3711 3.3.1: %s for 13 minutes leaves no gap in our numbers",
    (_how, hold, resume) => {
      // 40 000 packets: as a gap that is more than 2^15, and an SRTP receiver would take the next for one of the round before.
      const sent = overHold(40_000, hold, resume);
      expect(sent.length).toBe(20);
      const first = sent[0]!;
      expect(sent.map(({ sequence }) => (sequence - first.sequence) & 0xffff)).toEqual(Array.from(sent, (_, i) => i));
      // The clock went on all the same, and a talkspurt begins.
      expect((sent[10]!.timestamp - sent[9]!.timestamp) >>> 0).toBe(40_001 * 160);
      expect(sent.map(({ marker }) => marker).lastIndexOf(true)).toBe(10);
    },
  );
});
