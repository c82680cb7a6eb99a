/** `<Dial>` with `<Number>` and `<Sip>` (twiml.md 2.1 to 2.3). */

import { AttributeReader, type Element, SCHEMA_WARNING, type Warnings } from "./attributes.ts";
import type { Dial, DialNoun, NumberNoun, SipNoun, StatusCallbackAttributes } from "./verbs.ts";

const DIAL_KNOWN = [
  "action",
  "method",
  "timeout",
  "timeLimit",
  "callerId",
  "answerOnBridge",
  "hangupOnStar",
  "sequential",
  "ringTone",
  // Recording and the rest are read by their own features; here they are accepted and have no effect.
  "record",
  "recordingTrack",
  "trim",
  "recordingStatusCallback",
  "recordingStatusCallbackMethod",
  "recordingStatusCallbackEvent",
  "referUrl",
  "referMethod",
  "events",
  "passports",
  "callReason",
  "recordingConfigurationId",
];
const STATUS_KNOWN = ["url", "method", "statusCallback", "statusCallbackEvent", "statusCallbackMethod"];
const NUMBER_KNOWN = [...STATUS_KNOWN, "byoc", "sendDigits", "machineDetection", "amdStatusCallback"];
const SIP_KNOWN = [...STATUS_KNOWN, "username", "password"];
const TARGETS_MAX = 10;
const SIP_URI_MAX = 255;
const SIP_HEADERS_MAX = 1024;

export function readDial(element: Element, warnings: Warnings): Dial {
  const attributes = new AttributeReader(element, DIAL_KNOWN, warnings);
  if (
    attributes.text("record") !== null &&
    attributes.text("record") !== "do-not-record" &&
    attributes.text("record") !== "false"
  )
    warnings.addRecording("Dial record is not offered here; the call is not recorded", element.line);
  return {
    verb: "Dial",
    targets: targetsOf(element, warnings),
    action: attributes.text("action"),
    method: attributes.method("method", "POST", 13210),
    timeoutSeconds: attributes.integer("timeout", 30, 5, 600, 13212),
    timeLimitSeconds: attributes.integer("timeLimit", 14_400, 1, 86_400, 13216),
    callerId: attributes.text("callerId"),
    answerOnBridge: attributes.boolean("answerOnBridge", false, 13219),
    hangupOnStar: attributes.boolean("hangupOnStar", false, 13213),
    sequential: attributes.boolean("sequential", false, 13218),
    ringTone: attributes.text("ringTone"),
  };
}

function targetsOf(element: Element, warnings: Warnings): DialNoun[] {
  const targets = element.children.flatMap((child): DialNoun[] => {
    if (child.name === "Number") return readNumber(child, warnings);
    if (child.name === "Sip") return readSip(child, warnings);
    warnings.add(13215, `<${child.name.slice(0, 40)}> is not offered in <Dial>`, child.line);
    return [];
  });
  if (targets.length === 0 && element.text !== "")
    targets.push(...readNumber({ ...element, attributes: new Map(), children: [] }, warnings));
  if (targets.length === 0) warnings.add(13223, "Dial has no number and no <Number> or <Sip>", element.line);
  if (targets.length > TARGETS_MAX)
    warnings.add(13250, `Dial has more than ${TARGETS_MAX} targets; the others are left out`, element.line);
  return targets.slice(0, TARGETS_MAX);
}

function readNumber(element: Element, warnings: Warnings): NumberNoun[] {
  const attributes = new AttributeReader(element, NUMBER_KNOWN, warnings);
  const number = normalNumber(element.text);
  if (number === undefined) {
    warnings.add(13223, `"${element.text.slice(0, 40)}" is no phone number: expected E.164 with +`, element.line);
    return [];
  }
  const sendDigits = attributes.text("sendDigits") ?? "";
  const isSendable = /^[0-9A-D#*wW]{0,200}$/.test(sendDigits);
  if (!isSendable)
    warnings.add(13222, `sendDigits="${sendDigits.slice(0, 40)}": expected 0-9 A-D # * w W`, element.line);
  return [
    {
      noun: "Number",
      number,
      byoc: attributes.text("byoc"),
      sendDigits: isSendable ? sendDigits : "",
      url: attributes.text("url"),
      method: attributes.method("method", "POST", 13221),
      statusCallback: statusCallbackOf(attributes),
    },
  ];
}

/** E.164; ten or eleven digits are taken for a number of the North American plan (twiml.md 2.2). */
function normalNumber(text: string): string | undefined {
  const plain = text.replace(/[\s().-]/g, "");
  if (/^\+[1-9][0-9]{1,14}$/.test(plain)) return plain;
  if (/^[2-9][0-9]{9}$/.test(plain)) return `+1${plain}`;
  if (/^1[2-9][0-9]{9}$/.test(plain)) return `+${plain}`;
  return undefined;
}

function readSip(element: Element, warnings: Warnings): SipNoun[] {
  const attributes = new AttributeReader(element, SIP_KNOWN, warnings);
  const uri = element.text;
  const question = uri.indexOf("?");
  const address = question < 0 ? uri : uri.slice(0, question);
  if (!/^sips?:[^\s<>"]+$/i.test(uri) || address.length >= SIP_URI_MAX) {
    warnings.add(13243, `"${uri.slice(0, 60)}" is no SIP URI of less than ${SIP_URI_MAX} characters`, element.line);
    return [];
  }
  if (question >= 0 && uri.length - question - 1 >= SIP_HEADERS_MAX) {
    warnings.add(
      13253,
      `the header part of a SIP URI has to be shorter than ${SIP_HEADERS_MAX} characters`,
      element.line,
    );
    return [];
  }
  return [
    {
      noun: "Sip",
      uri,
      username: attributes.text("username"),
      password: attributes.text("password"),
      url: attributes.text("url"),
      method: attributes.method("method", "POST", 13241),
      statusCallback: statusCallbackOf(attributes),
    },
  ];
}

function statusCallbackOf(attributes: AttributeReader): StatusCallbackAttributes {
  return {
    url: attributes.text("statusCallback"),
    method: attributes.method("statusCallbackMethod", "POST", SCHEMA_WARNING),
    events: attributes.list(
      "statusCallbackEvent",
      ["initiated", "ringing", "answered", "completed"],
      ["completed"],
      SCHEMA_WARNING,
    ),
  };
}
