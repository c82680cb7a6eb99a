/** Media Streams messages of 20 ms for the framing candidates; bench/native/frame.c writes the same. */
import { CODES, PACKETS, packetsOf } from "./fixture.ts";

export const STREAM_SID = "MZ0123456789abcdef0123456789abcdef";
/** A stream that has run for half an hour: five or six digits in every number. */
export const FIRST_SEQUENCE = 90_000;
export const FRAME_MS = 20;
export const HEADER_BYTES = 8;

export const AUDIO: readonly Buffer[] = packetsOf(CODES).map((packet) => Buffer.from(packet));

/** Message `n` as the gateway sends it. */
export function outgoingText(n: number, sequence = FIRST_SEQUENCE + n): string {
  return JSON.stringify({
    event: "media",
    sequenceNumber: String(sequence),
    media: {
      track: "inbound",
      chunk: String(sequence),
      timestamp: String(sequence * FRAME_MS),
      payload: AUDIO[n]!.toString("base64"),
    },
    streamSid: STREAM_SID,
  });
}

/** Its masking key, as the four octets lie in memory. */
export function maskKeyOf(n: number): number {
  return (Math.imul(n + 1, 0x9e37_79b1) ^ 0x2545_f491) >>> 0;
}

/** The whole frame of RFC 6455 §5.2: header, mask, masked text. */
export function outgoingFrame(n: number): Buffer {
  const text = Buffer.from(outgoingText(n), "latin1");
  const frame = Buffer.alloc(HEADER_BYTES + text.length);
  frame.writeUInt16BE(0x81fe, 0);
  frame.writeUInt16BE(text.length, 2);
  frame.writeUInt32LE(maskKeyOf(n), 4);
  for (const [i, octet] of text.entries()) frame[HEADER_BYTES + i] = octet ^ frame[4 + (i & 3)]!;
  return frame;
}

/** Messages of a consumer, as JSON.stringify writes them. */
export const INCOMING: readonly Buffer[] = Array.from({ length: PACKETS }, (_, n) =>
  Buffer.from(
    JSON.stringify({ event: "media", streamSid: STREAM_SID, media: { payload: AUDIO[n]!.toString("base64") } }),
  ),
);

export function expectOctets(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(actual, expected) !== 0) throw new Error(`${what}: octets differ`);
}
