import fc from "fast-check";
import twilio from "twilio";
import { describe, expect, it } from "vitest";
import { TwimlError } from "../../src/base/errors.ts";
import { parseTwiml } from "../../src/voice/twiml-parser.ts";

const inside = (text: string) => parseTwiml(`<Response>${text}</Response>`);
const codes = (text: string) => inside(text).warnings.map(({ alertCode }) => alertCode);

describe("twiml.md 2: verbs as the twilio package writes them", () => {
  it("Connect with a Stream and its parameters", () => {
    const response = new twilio.twiml.VoiceResponse();
    const stream = response.connect({ action: "/after", method: "GET" }).stream({
      url: "wss://a.example/media",
      name: "s1",
      track: "inbound_track",
      statusCallback: "https://a.example/cb",
      statusCallbackMethod: "GET",
    });
    stream.parameter({ name: "a", value: '1 & "2"' });
    stream.parameter({ name: "b", value: "" });
    expect(parseTwiml(response.toString(), "text/xml; charset=utf-8")).toEqual({
      warnings: [],
      verbs: [
        {
          verb: "Connect",
          action: "/after",
          method: "GET",
          stream: {
            url: "wss://a.example/media",
            name: "s1",
            track: "inbound_track",
            statusCallback: "https://a.example/cb",
            statusCallbackMethod: "GET",
            connectorName: "",
            parameters: [
              ["a", '1 & "2"'],
              ["b", ""],
            ],
          },
        },
      ],
    });
  });

  it("Dial with Number and Sip", () => {
    const response = new twilio.twiml.VoiceResponse();
    const dial = response.dial({
      action: "/done",
      timeout: 12,
      callerId: "+15550100100",
      answerOnBridge: true,
      hangupOnStar: true,
      timeLimit: 600,
    });
    dial.number(
      {
        byoc: `BY${"a".repeat(32)}`,
        sendDigits: "ww1",
        statusCallbackEvent: ["initiated", "answered"],
        statusCallback: "https://a.example/s",
      },
      "+1 (555) 010-0200",
    );
    dial.sip({ username: "u", password: "p" }, "sip:alice@a.example;transport=tls?X-A=b");
    const [verb] = parseTwiml(response.toString()).verbs;
    expect(verb).toMatchObject({
      verb: "Dial",
      timeoutSeconds: 12,
      timeLimitSeconds: 600,
      answerOnBridge: true,
      hangupOnStar: true,
      targets: [
        {
          noun: "Number",
          number: "+15550100200",
          byoc: `BY${"a".repeat(32)}`,
          sendDigits: "ww1",
          statusCallback: { events: ["initiated", "answered"] },
        },
        { noun: "Sip", uri: "sip:alice@a.example;transport=tls?X-A=b", username: "u", password: "p" },
      ],
    });
  });

  it("plain number text, Play, Pause, Reject, Redirect, Hangup, Start, Stop", () => {
    expect(inside("<Dial>0550100200</Dial>").verbs[0]).toMatchObject({ targets: [] });
    expect(inside("<Dial>2125550200</Dial>").verbs[0]).toMatchObject({ targets: [{ number: "+12125550200" }] });
    expect(
      inside(
        '<Play loop="0"> /a.wav </Play><Play digits="1w2#"/><Pause length="3"/><Reject reason="busy"/><Redirect method="GET">../next</Redirect><Hangup/><Start><Stream url="wss://x/"/></Start><Stop><Stream name="n"/></Stop>',
      ),
    ).toMatchObject({
      warnings: [],
      verbs: [
        { verb: "Play", url: "/a.wav", loop: 0, digits: null },
        { verb: "Play", digits: "1w2#" },
        { verb: "Pause", lengthSeconds: 3 },
        { verb: "Reject", reason: "busy" },
        { verb: "Redirect", url: "../next", method: "GET" },
        { verb: "Hangup" },
        { verb: "Start", streams: [{ url: "wss://x/" }] },
        { verb: "Stop", streamNames: ["n"] },
      ],
    });
  });
});

describe("twiml.md 1: what is wrong", () => {
  it.each([
    ["no XML", "hello", 12100],
    ["unclosed", "<Response><Play>", 12100],
    ["wrong root", "<response/>", 12102],
    ["bad version", '<Response version="2.0"/>', 12101],
    ["DOCTYPE", '<!DOCTYPE r [<!ENTITY a "b">]><Response>&a;</Response>', 12100],
    ["unknown entity", "<Response>&nbsp;</Response>", 12100],
    ["too deep", `<Response>${"<a>".repeat(40)}${"</a>".repeat(40)}</Response>`, 12100],
    ["too large", `<Response>${" ".repeat(70_000)}</Response>`, 11750],
  ])("%s fails the document with its code", (_name, text, code) => {
    expect(() => parseTwiml(text)).toThrowError(expect.objectContaining({ alertCode: code }));
  });

  it("a content type that is no TwiML fails with 12300; an empty document is one without verbs", () => {
    expect(() => parseTwiml("<Response/>", "image/png")).toThrowError(expect.objectContaining({ alertCode: 12300 }));
    expect(parseTwiml("", "text/xml").verbs).toEqual([]);
  });

  it("unknown verbs, attributes and nesting are warned about with their line, and the rest is run", () => {
    const document = parseTwiml(
      '<Response>\n<Say>hi</Say>\n<Hangup colour="red"/>\n<Dial><Queue>q</Queue>+15550100200</Dial></Response>',
    );
    expect(document.verbs.map(({ verb }) => verb)).toEqual(["Hangup", "Dial"]);
    expect(document.warnings.map(({ alertCode, line }) => [alertCode, line])).toEqual([
      [12200, 2],
      [12200, 3],
      [13215, 4],
    ]);
    expect(document.warnings[0]!.message).toContain("<Say>");
  });

  it.each([
    ['<Dial timeout="4">+15550100200</Dial>', 13212],
    ['<Dial method="PUT">+15550100200</Dial>', 13210],
    ['<Dial hangupOnStar="yes">+15550100200</Dial>', 13213],
    ['<Dial timeLimit="0">+15550100200</Dial>', 13216],
    ['<Dial answerOnBridge="1">+15550100200</Dial>', 13219],
    ["<Dial><Number>abc</Number></Dial>", 13223],
    ["<Dial><Sip>tel:1</Sip></Dial>", 13243],
    ['<Play loop="-1">a</Play>', 13410],
    ['<Play digits="x"/>', 13430],
    ['<Redirect method="X">a</Redirect>', 13710],
  ])("%s is warned about with %i and takes its default", (text, code) => {
    expect(codes(text)).toContain(code);
  });
});

describe("hardening R23, R24, R25", () => {
  it("names from outside are names, nothing else", () => {
    const { verbs } = inside(
      '<Connect><Stream url="wss://x/"><Parameter name="__proto__" value="p"/><Parameter name="constructor" value="c"/></Stream></Connect>',
    );
    expect(verbs[0]).toMatchObject({
      stream: {
        parameters: [
          ["__proto__", "p"],
          ["constructor", "c"],
        ],
      },
    });
    expect(codes('<Pause __proto__="1" constructor="2"/>')).toEqual([12200, 12200]);
  });

  it("random and mutated documents throw nothing but TwimlError", () => {
    const sample =
      '<?xml version="1.0"?><Response><Connect action="/a"><Stream url="wss://x/"><Parameter name="a" value="b"/></Stream></Connect><Dial><Sip>sip:a@b</Sip></Dial></Response>';
    const mutated = fc
      .tuple(fc.nat(sample.length), fc.nat(20), fc.string({ unit: "binary", maxLength: 10 }))
      .map(([at, drop, insert]) => sample.slice(0, at) + insert + sample.slice(at + drop));
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string({ unit: "binary", maxLength: 300 })), (text) => {
        try {
          parseTwiml(text);
        } catch (error) {
          if (!(error instanceof TwimlError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each(["<", ">", "&", '"', "a", " ", "<a>", "&amp;", "<!--", "]]>"])(
    "60 kB of %s is read or refused at once",
    (token) => {
      const startedMs = performance.now();
      try {
        parseTwiml(`<Response>${token.repeat(Math.floor(60_000 / token.length))}`);
      } catch (error) {
        expect(error).toBeInstanceOf(TwimlError);
      }
      expect(performance.now() - startedMs).toBeLessThan(2000);
    },
  );
});
