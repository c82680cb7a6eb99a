import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MediaMessageReader, readConsumerMessage } from "../../src/streams/consumer-messages.ts";

const streamSid = `MZ${"a".repeat(32)}`;

/** Everything that one message led to, in order. */
function read(data: string | Buffer, isBinary = false, reader: MediaMessageReader | null = null): unknown[] {
  const seen: unknown[] = [];
  readConsumerMessage(Buffer.from(data), isBinary, streamSid, reader, {
    onMedia: (octets) => seen.push(Buffer.from(octets)),
    onMark: (name) => seen.push({ mark: name }),
    onClear: () => seen.push("clear"),
    onFault: (code) => seen.push(code),
  });
  return seen;
}

const media = (payload: unknown) => JSON.stringify({ event: "media", streamSid, media: { payload } });

describe("media-streams.md 6: messages that are carried out", () => {
  it("media of any size, key order free, spaces allowed", () => {
    expect(read(media("AAH/"))).toEqual([Buffer.from([0, 1, 255])]);
    expect(read(`{"streamSid":"${streamSid}","media":{"payload":"AAH/"},"event":"media"}`)).toHaveLength(1);
    expect(read(`{ "event" : "media",\n"streamSid":"${streamSid}", "media" : { "payload" : "" } }`)).toEqual([
      Buffer.alloc(0),
    ]);
  });

  it("6.2: base64 without padding and in the URL-safe alphabet", () => {
    expect(read(media("AA"))).toEqual([Buffer.from([0])]);
    expect(read(media("AAE"))).toEqual([Buffer.from([0, 1])]);
    expect(read(media("-_-_"))).toEqual([Buffer.from([0xfb, 0xff, 0xbf])]);
  });

  it("6.2: base64 that cannot be decoded is 31951 and dropped", () => {
    for (const payload of ["A", "AAAAA", "AA=", "A===", "AAA==", "AA AA", "AA\nAA", "é", "AA==AA", "*", 5, null, {}])
      expect(read(media(payload)), String(payload)).toEqual([31951]);
  });

  it("a message of many megabytes is read without parsing it", () => {
    const octets = Buffer.alloc(4_800_000, 0x5a);
    const payload = octets.toString("base64");
    for (const text of [
      media(payload),
      `{"streamSid":"${streamSid}", "media": {"payload": "${payload}"}, "event": "media"}`,
    ]) {
      const seen = read(text);
      expect(seen.length).toBe(1);
      expect(octets.equals(seen[0] as Buffer)).toBe(true);
    }
  });

  it("marks with any name, unchanged", () => {
    for (const name of ["my label", "", " ", "5", '{"a":"b"}', "😀\\\n", "x".repeat(65_536)])
      expect(read(JSON.stringify({ event: "mark", streamSid, mark: { name } }))).toEqual([{ mark: name }]);
  });

  it("clear", () => {
    expect(read(JSON.stringify({ event: "clear", streamSid }))).toEqual(["clear"]);
  });

  it("7: unknown fields beside the known ones do not matter", () => {
    expect(
      read(
        JSON.stringify({
          event: "media",
          streamSid,
          sequenceNumber: "4",
          media: { track: "outbound", payload: "AA==" },
        }),
      ),
    ).toEqual([Buffer.from([0])]);
  });

  it("7: a missing streamSid is 31951, and carried out", () => {
    expect(read('{"event":"clear"}')).toEqual([31951, "clear"]);
    expect(read('{"event":"media","media":{"payload":"AA=="}}')).toEqual([31951, Buffer.from([0])]);
  });
});

describe("media-streams.md 7: invalid input", () => {
  const cases: readonly (readonly [title: string, text: string, code: number])[] = [
    ["not JSON", "Hello, friend", 31950],
    ["empty", "", 31950],
    ["a JSON string", '"media"', 31950],
    ["a JSON array", "[]", 31950],
    ["null", "null", 31950],
    ["unknown event", `{"event":"dance","streamSid":"${streamSid}"}`, 31951],
    ["6.5 dtmf", `{"event":"dtmf","streamSid":"${streamSid}","dtmf":{"digit":"1"}}`, 31951],
    ["no event", `{"streamSid":"${streamSid}"}`, 31951],
    ["event of a wrong type", `{"event":["media"],"streamSid":"${streamSid}"}`, 31951],
    ["an event that every object has", `{"event":"constructor","streamSid":"${streamSid}"}`, 31951],
    ["a stream of somebody else", `{"event":"clear","streamSid":"MZ${"b".repeat(32)}"}`, 31951],
    ["streamSid of a wrong type", '{"event":"clear","streamSid":5}', 31951],
    ["media without payload", `{"event":"media","streamSid":"${streamSid}","media":{}}`, 31951],
    ["media that is a list", `{"event":"media","streamSid":"${streamSid}","media":["AA=="]}`, 31951],
    ["6.3 a mark without its object", `{"event":"mark","streamSid":"${streamSid}"}`, 31951],
    ["a mark without a name", `{"event":"mark","streamSid":"${streamSid}","mark":{}}`, 31951],
    ["a mark with a number", `{"event":"mark","streamSid":"${streamSid}","mark":{"name":5}}`, 31951],
    [
      "a name that is too long",
      JSON.stringify({ event: "mark", streamSid, mark: { name: "x".repeat(65_537) } }),
      31951,
    ],
    ["a payload taken for a cut-out one", media("\u0000payload\u0000"), 31951],
  ];

  it.each(cases)("%s is one fault and nothing else", (_title, text, code) => {
    expect(read(text)).toEqual([code]);
  });

  it("a binary frame is 31950, whatever it says", () => {
    expect(read(JSON.stringify({ event: "clear", streamSid }), true)).toEqual([31950]);
  });

  it("R21: megabytes of brackets, names or quotes are refused without parsing them", () => {
    const size = 16 * 1024 * 1024;
    expect(read("[".repeat(size))).toEqual([31950]);
    expect(read('{"a":'.repeat(size / 5))).toEqual([31950]);
    expect(read('"payload":"'.repeat(size / 11))).toEqual([31950]);
    expect(read(`{"payload"${" ".repeat(size)}`)).toEqual([31950]);
    expect(read(JSON.stringify({ event: "mark", streamSid, mark: { name: "n".repeat(size) } }))).toEqual([31950]);
  });

  it("a long message whose payload is not where it belongs is not played", () => {
    const payload = "AAAA".repeat(200_000);
    expect(read(`{"event":"media","streamSid":"${streamSid}","x":{"payload":"${payload}"}}`)).toEqual([31951]);
    expect(read(`{"event":"media","streamSid":"${streamSid}","payload":"${payload}"}`)).toEqual([31951]);
    expect(read(`["payload":"${payload}"]`)).toEqual([31950]);
    expect(read(`{"event":"media","streamSid":"${streamSid}","media":{"payload":"${payload}*"}}`)).toEqual([31951]);
  });

  it("G4: never throws, whatever comes", () => {
    const words = fc.constantFrom(
      '"event"',
      '"media"',
      '"payload"',
      '"mark"',
      '"name"',
      ":",
      ",",
      "{",
      "}",
      '"',
      "\\",
      "[",
      "5",
      `"${streamSid}"`,
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string())), (parts) => void read(parts.join(""))),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.json(), (text) => void read(text)));
  });
});

describe("the quick path", () => {
  it("is asked first; what it leaves is judged the long way", () => {
    const quick: MediaMessageReader = {
      readMediaMessage: (text) => (text[2] === 0x71 ? new Uint8Array([9]) : undefined),
    };
    expect(read('{"quick"}', false, quick)).toEqual([Buffer.from([9])]);
    expect(read("{}", false, quick)).toEqual([31951, 31951]);
  });
});
