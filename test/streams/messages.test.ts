import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CONNECTED_MESSAGE, dtmfMessage, markMessage, startMessage, stopMessage } from "../../src/streams/messages.ts";
import type { StreamDescription } from "../../src/streams/stream-types.ts";

const streamSid = `MZ${"1".repeat(32)}`;
const description: StreamDescription = {
  streamSid,
  name: "mine",
  callSid: `CA${"2".repeat(32)}`,
  accountSid: `AC${"3".repeat(32)}`,
  kind: "bidirectional",
  tracks: ["inbound"],
  url: "wss://app.example.net/media",
  signature: "",
  connectAddress: "",
  localAddress: "",
  customParameters: [],
};

describe("media-streams.md 14.1: control messages to the octet", () => {
  it("4.1 connected", () => {
    expect(CONNECTED_MESSAGE).toBe('{"event":"connected","protocol":"Call","version":"1.0.0"}');
  });

  it("4.2 start without parameters, both tracks", () => {
    expect(startMessage({ ...description, tracks: ["inbound", "outbound"] }, 1)).toBe(
      `{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC${"3".repeat(32)}","streamSid":"${streamSid}",` +
        `"callSid":"CA${"2".repeat(32)}","tracks":["inbound","outbound"],"mediaFormat":{"encoding":"audio/x-mulaw",` +
        `"sampleRate":8000,"channels":1},"customParameters":{}},"streamSid":"${streamSid}"}`,
    );
  });

  it("4.2 start with parameters: quotes, backslash, newline and emoji; order as given", () => {
    const text = startMessage(
      {
        ...description,
        customParameters: [
          ["z", 'say "hi"\\\n'],
          ["1", "😀/"],
          ["__proto__", "\u0001\u2028"],
        ],
      },
      1,
    );
    expect(text).toContain(
      '"customParameters":{"z":"say \\"hi\\"\\\\\\n","1":"😀/","__proto__":"\\u0001\u2028"}},"streamSid"',
    );
    expect(JSON.parse(text).start.customParameters.z).toBe('say "hi"\\\n');
  });

  it("2: of two parameters with one name the last wins", () => {
    const text = startMessage(
      {
        ...description,
        customParameters: [
          ["a", "1"],
          ["b", "2"],
          ["a", "3"],
        ],
      },
      1,
    );
    expect(text).toContain('"customParameters":{"a":"3","b":"2"}');
  });

  it("4.4 dtmf", () => {
    expect(dtmfMessage(streamSid, 5, "1")).toBe(
      `{"event":"dtmf","streamSid":"${streamSid}","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"1"}}`,
    );
  });

  it("4.5 mark", () => {
    expect(markMessage(streamSid, 4, "my label")).toBe(
      `{"event":"mark","sequenceNumber":"4","streamSid":"${streamSid}","mark":{"name":"my label"}}`,
    );
  });

  it("4.6 stop", () => {
    expect(stopMessage(description, 378)).toBe(
      `{"event":"stop","sequenceNumber":"378","streamSid":"${streamSid}",` +
        `"stop":{"accountSid":"AC${"3".repeat(32)}","callSid":"CA${"2".repeat(32)}"}}`,
    );
  });

  it("3: any string survives, and no line break ever stands in a message", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }), (name, value) => {
        const start = startMessage({ ...description, customParameters: [[name, value]] }, 1);
        expect(Object.entries(JSON.parse(start).start.customParameters)).toEqual(
          name === "__proto__" ? expect.anything() : [[name, value]],
        );
        expect(JSON.parse(markMessage(streamSid, 1, value)).mark.name).toBe(value);
        expect(start).not.toMatch(/[\r\n]/);
      }),
    );
  });
});
