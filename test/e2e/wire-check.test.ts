/** The judge of all captures has to see what is wrong: packets with faults of every kind, written into a capture by hand. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { scratchFolder } from "../support/peers.ts";
import { wireFaults } from "../support/wire-check.ts";

const US = "127.89.0.1";
const scratch = scratchFolder("wire-check");
afterAll(() => scratch.remove());

/** A capture of UDP datagrams from us, port 5060, as tcpdump writes it. */
function captureOf(name: string, payloads: readonly string[]): string {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65_535, 16);
  head.writeUInt32LE(1, 20);
  const parts = [head];
  for (const text of payloads) {
    const payload = Buffer.from(text);
    const frame = Buffer.alloc(42 + payload.length);
    frame.writeUInt16BE(0x0800, 12);
    frame[14] = 0x45;
    frame.writeUInt16BE(28 + payload.length, 16);
    frame[22] = 64;
    frame[23] = 17;
    frame.set([127, 89, 0, 1, 127, 89, 0, 2], 26);
    frame.writeUInt16BE(5060, 34);
    frame.writeUInt16BE(5060, 36);
    frame.writeUInt16BE(8 + payload.length, 38);
    payload.copy(frame, 42);
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_700_000_000, 0);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    parts.push(record, frame);
  }
  const file = join(scratch.path, `${name}.pcap`);
  writeFileSync(file, Buffer.concat(parts));
  return file;
}

const SDP = `v=0\r\no=- 1 1 IN IP4 ${US}\r\ns=-\r\nc=IN IP4 ${US}\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n`;
const ok = (sdp: string, length = sdp.length): string =>
  `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.89.0.2;branch=z9hG4bK1\r\nFrom: <sip:a@x.test>;tag=1\r\nTo: <sip:b@x.test>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:${US}>\r\nContent-Type: application/sdp\r\nContent-Length: ${length}\r\n\r\n${sdp}`;

describe("what the judge of captures says", () => {
  it("nothing to a message that is right", async () => {
    expect(await wireFaults(captureOf("right", [ok(SDP), ok(SDP)]), US)).toEqual([]);
  });

  it("something to each of these", async () => {
    const faulty: readonly [message: string, said: string][] = [
      [ok(SDP).replace(/Contact: .*/, "Nonsense"), "Header has no colon after the name"],
      [ok(SDP).replace("Contact: <", "Contact <"), 'header "Contact <'],
      [ok(SDP, 5), "Content-Length 5"],
      [ok(SDP).replace(/Call-ID: c\r\n/, ""), "no Call-ID"],
      [ok(SDP).replace("\r\nTo:", "\nTo:"), "a lone CR, LF"],
      [ok(SDP.replace("t=0 0\r\n", "").replace("s=-", "t=0 0\r\ns=-")), "order of SDP lines"],
      [ok(SDP.replace(/a=rtpmap.*\r\n/, "")), "no rtpmap for 101"],
      [ok(SDP.replace("0 101", "0")), "described but not listed"],
      [ok(SDP.replace("20000", "20001")), "odd RTP port"],
      [ok(SDP.replace("RTP/AVP", "RTP/SAVP")), "a=crypto"],
      [ok(SDP.replace(/c=.*\r\n/, "")), "no c= line"],
    ];
    const said = (
      await wireFaults(
        captureOf(
          "faulty",
          faulty.map(([message]) => message),
        ),
        US,
      )
    ).join("\n");
    for (const [, fault] of faulty) expect(said).toContain(fault);
  });

  it("RFC 3264 §8: SDP that changes without its version, and a version without a change", async () => {
    const changed = SDP.replace("20000", "20002");
    expect(await wireFaults(captureOf("changed", [ok(SDP), ok(changed)]), US)).toHaveLength(1);
    const counted = SDP.replace("1 1 IN", "1 3 IN");
    expect(await wireFaults(captureOf("counted", [ok(SDP), ok(counted)]), US)).toHaveLength(1);
  });
});
