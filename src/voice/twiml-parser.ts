/** TwiML documents to verbs (twiml.md 1, 2). Verbs that are not offered are named in a warning and left out. */

import { TwimlError } from "../base/errors.ts";
import { AttributeReader, type Element, SCHEMA_WARNING, Warnings } from "./attributes.ts";
import { readDial } from "./twiml-dial.ts";
import { readDocument } from "./twiml-document.ts";
import { readStream } from "./twiml-stream.ts";
import type { StreamNoun, TwimlDocument, Verb } from "./verbs.ts";

const INVALID_CONTENT_TYPE = 12300;
const TWIML_TYPES = new Set(["", "text/xml", "application/xml", "text/html", "text/plain", "application/twiml+xml"]);
/** The longest wait; a document cannot hold a call for ever. */
const PAUSE_SECONDS_MAX = 86_400;

/**
 * Reads a document.
 * @param contentType - of the HTTP answer; "" when it came from elsewhere
 * @throws TwimlError when the document cannot be run at all
 */
export function parseTwiml(source: string | Uint8Array, contentType = ""): TwimlDocument {
  const type = contentType.split(";")[0]!.trim().toLowerCase();
  if (!TWIML_TYPES.has(type))
    throw new TwimlError(INVALID_CONTENT_TYPE, `content type ${type.slice(0, 60)} is no TwiML`);
  const warnings = new Warnings();
  const isEmpty = source.length === 0;
  const root = isEmpty ? undefined : readDocument(source);
  const verbs = (root?.children ?? []).flatMap((element) => readVerb(element, warnings) ?? []);
  return { verbs, warnings: warnings.list };
}

function readVerb(element: Element, warnings: Warnings): Verb | undefined {
  switch (element.name) {
    case "Play": {
      const attributes = new AttributeReader(element, ["loop", "digits"], warnings);
      noChildren(element, warnings);
      const digits = attributes.text("digits");
      if (digits !== null && !/^[0-9A-D#*wW]{1,200}$/.test(digits)) {
        warnings.add(13430, `Play digits="${digits.slice(0, 40)}": expected 0-9 A-D # * w W`, element.line);
        return undefined;
      }
      return { verb: "Play", url: element.text, digits, loop: attributes.integer("loop", 1, 0, 1000, 13410) };
    }
    case "Pause":
      return {
        verb: "Pause",
        lengthSeconds: new AttributeReader(element, ["length"], warnings).integer(
          "length",
          1,
          0,
          PAUSE_SECONDS_MAX,
          SCHEMA_WARNING,
        ),
      };
    case "Hangup":
      new AttributeReader(element, [], warnings);
      return { verb: "Hangup" };
    case "Reject":
      return {
        verb: "Reject",
        reason: new AttributeReader(element, ["reason"], warnings).oneOf(
          "reason",
          ["rejected", "busy"],
          "rejected",
          SCHEMA_WARNING,
        ),
      };
    case "Redirect":
      return {
        verb: "Redirect",
        url: element.text,
        method: new AttributeReader(element, ["method"], warnings).method("method", "POST", 13710),
      };
    case "Start":
      new AttributeReader(element, ["action", "method"], warnings);
      return { verb: "Start", streams: streamsOf(element, warnings) };
    case "Stop":
      new AttributeReader(element, [], warnings);
      return { verb: "Stop", streamNames: streamsOf(element, warnings).map(({ name }) => name) };
    case "Connect":
      return readConnect(element, warnings);
    case "Dial":
      return readDial(element, warnings);
    case "Record":
      warnings.addRecording("<Record> is not a verb that is offered here", element.line);
      return undefined;
    default:
      warnings.add(SCHEMA_WARNING, `<${element.name.slice(0, 40)}> is not a verb that is offered here`, element.line);
      return undefined;
  }
}

function readConnect(element: Element, warnings: Warnings): Verb {
  const attributes = new AttributeReader(element, ["action", "method"], warnings);
  const streams = streamsOf(element, warnings);
  for (const _extra of streams.slice(1))
    warnings.add(SCHEMA_WARNING, "<Connect> takes one <Stream>; the others are left out", element.line);
  return {
    verb: "Connect",
    action: attributes.text("action"),
    method: attributes.method("method", "POST", SCHEMA_WARNING),
    stream: streams[0] ?? null,
  };
}

function streamsOf(element: Element, warnings: Warnings): StreamNoun[] {
  return element.children.flatMap((child) => {
    if (child.name === "Stream") return readStream(child, warnings);
    const text = `<${child.name.slice(0, 40)}> is not allowed in <${element.name}>`;
    if (child.name === "Recording") warnings.addRecording(text, child.line);
    else warnings.add(SCHEMA_WARNING, text, child.line);
    return [];
  });
}

function noChildren(element: Element, warnings: Warnings): void {
  for (const child of element.children)
    warnings.add(SCHEMA_WARNING, `<${child.name.slice(0, 40)}> is not allowed in <${element.name}>`, child.line);
}
