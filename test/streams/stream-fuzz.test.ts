/** hardening G4, R21: random frames and messages from a consumer end their own stream at most. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { serverFrame, startRawConsumer } from "../support/raw-consumer.ts";
import { describeStream, STREAM_SID, startStream } from "../support/stream-harness.ts";

const message = fc.oneof(
  fc.constantFrom(
    `{"event":"media","streamSid":"${STREAM_SID}","media":{"payload":"AAAA"}}`,
    `{"event":"mark","streamSid":"${STREAM_SID}","mark":{"name":"m"}}`,
    `{"event":"clear","streamSid":"${STREAM_SID}"}`,
    '{"event":"mark"}',
    "Hello, friend",
  ),
  fc.json({ maxDepth: 3 }),
  fc.string(),
);
const frame = fc.oneof(
  { weight: 6, arbitrary: message.map((text) => serverFrame(0x81, text)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(0x82, 0x01, 0x80, 0x00, 0x89, 0x8a), message)
      .map(([first, text]) => serverFrame(first, text)),
  },
  { weight: 1, arbitrary: fc.tuple(fc.nat(255), message).map(([first, text]) => serverFrame(first, text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets)) },
);

it("whatever it sends, every stream ends with exactly one event and leaves the engine", async () => {
  let attack: Buffer[] = [];
  const consumer = await startRawConsumer(({ socket, accept }) => {
    accept();
    socket.resume();
    for (const octets of attack) socket.write(octets);
    socket.end();
  });
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 20 }), async (frames) => {
      attack = frames;
      const { gone, events, media } = startStream(describeStream(`ws://127.0.0.1:${consumer.port}/`));
      await gone;
      expect(events.filter(({ type }) => type === "stopped" || type === "error").length).toBe(1);
      expect(media.isOpen).toBe(false);
      const warnings = events.flatMap((event) => (event.type === "warning" ? [event.alertCode] : []));
      expect(new Set(warnings).size).toBe(warnings.length);
    }),
    { numRuns: 300 },
  );
  await consumer.close();
});
