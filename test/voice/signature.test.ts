import { readFileSync } from "node:fs";
import twilio from "twilio";
import { describe, expect, it } from "vitest";
import { type Parameter, twilioSignature, withBodyHash } from "../../src/voice/signature.ts";

interface Case {
  readonly source: string;
  readonly authToken: string;
  readonly url: string;
  readonly form: Record<string, string>;
  readonly signature: string;
}

const vectors = JSON.parse(
  readFileSync(new URL("../vectors/twilio/x-twilio-signature.json", import.meta.url), "utf8"),
) as { cases: Case[] };
const TOKEN = "12345678901234567890123456789012";
const SID = `CA${"1".repeat(32)}`;

describe("X-Twilio-Signature, published examples", () => {
  it.each(vectors.cases)("$source", ({ authToken, url, form, signature }) => {
    expect(twilioSignature(authToken, url, Object.entries(form))).toBe(signature);
  });
});

describe("twiml.md 6", () => {
  const call: Parameter[] = [
    ["CallSid", SID],
    ["From", "+14155551212"],
    ["To", "+14158675309"],
    ["CallStatus", "ringing"],
    ["Direction", "inbound"],
  ];

  it.each([
    ["POST", "https://app.example.net/voice?x=1&y=2", call, "uAnNzlRJrTvre0CeuFjVasmpuUs="],
    ["GET", `https://app.example.net/voice?CallSid=${SID}&From=%2B14155551212`, [], "Oku7uHQT6ESrZZYQTu8wY0Kqsm0="],
    ["WebSocket", "wss://app.example.net/media", [], "gjC0DX0dfe/liBOae08BMGsDxM4="],
    [
      "repeated and empty",
      "http://app.example.net:8080/cb",
      [
        ["E", "b"],
        ["E", "a"],
        ["E", "b"],
        ["A", ""],
      ],
      "ucDr8EpozzI/uTycO76zceWv2pw=",
    ],
  ] as [string, string, Parameter[], string][])("%s", (_name, url, parameters, signature) => {
    expect(twilioSignature(TOKEN, url, parameters)).toBe(signature);
  });

  it("JSON bodies are signed by their hash in the URL", () => {
    const url = withBodyHash("https://app.example.net/j", '{"a":1}');
    expect(url).toBe(
      "https://app.example.net/j?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862",
    );
    expect(twilioSignature(TOKEN, url, [])).toBe("E2GMO7eGd2AFUKmI0XcvOksd0bU=");
  });

  it("a fragment is not signed", () => {
    expect(twilioSignature(TOKEN, "wss://app.example.net/media#rc=2", [])).toBe(
      twilioSignature(TOKEN, "wss://app.example.net/media", []),
    );
  });

  it("the twilio package accepts it", () => {
    const url = "https://app.example.net:8443/voice?a=b%20c";
    const form = { Zeta: "z", Alpha: "ü €", Empty: "" };
    expect(twilio.validateRequest(TOKEN, twilioSignature(TOKEN, url, Object.entries(form)), url, form)).toBe(true);
    expect(twilio.validateRequest(TOKEN, twilioSignature("other", url, Object.entries(form)), url, form)).toBe(false);
  });
});
