/** TwiML text to elements: bounded, without DTD and entities but the five of XML (twiml.md 1, hardening R23). */

import { type SaxesAttributeNS, SaxesParser } from "saxes";
import { TwimlError } from "../base/errors.ts";
import type { Element } from "./attributes.ts";

export const DOCUMENT_BYTES_MAX = 64 * 1024;
const DEPTH_MAX = 32;
const PARSE_FAILURE = 12100;
const BAD_VERSION = 12101;
const BAD_ROOT = 12102;
const TOO_LARGE = 11750;

/** While an element is open. */
interface OpenElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  text: string;
  readonly line: number;
}

/** @throws TwimlError 12100, 12101, 12102 or 11750 */
export function readDocument(source: string | Uint8Array): Element {
  const text = typeof source === "string" ? source : decode(source);
  if (Buffer.byteLength(text) > DOCUMENT_BYTES_MAX)
    throw new TwimlError(TOO_LARGE, "the document is larger than 64 kB");
  const open: OpenElement[] = [];
  let root: Element | undefined;
  const parser = new SaxesParser({ position: true, xmlns: false });
  const refuse = (message: string, code = PARSE_FAILURE): never => {
    throw new TwimlError(code, message, parser.line);
  };
  parser.on("error", (error) => refuse(`not well-formed: ${error.message}`));
  parser.on("doctype", () => refuse("a DOCTYPE is not allowed"));
  parser.on("xmldecl", (declaration) => {
    if (declaration.version !== undefined && declaration.version !== "1.0")
      refuse(`XML version ${declaration.version} is not supported`, BAD_VERSION);
  });
  parser.on("opentag", (tag) => {
    if (open.length >= DEPTH_MAX) refuse(`elements are nested deeper than ${DEPTH_MAX}`);
    const attributes = new Map<string, string>();
    for (const [name, value] of Object.entries(tag.attributes as Record<string, string | SaxesAttributeNS>))
      attributes.set(name, typeof value === "string" ? value : value.value);
    open.push({ name: tag.name, attributes, children: [], text: "", line: parser.line });
  });
  const addText = (more: string): void => {
    const top = open.at(-1);
    if (top !== undefined) top.text += more;
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("closetag", () => {
    const done = open.pop()!;
    const element: Element = { ...done, text: done.text.trim() };
    const parent = open.at(-1);
    if (parent === undefined) root = element;
    else parent.children.push(element);
  });
  parser.write(text.replace(/^﻿/, "").trimStart()).close();
  if (root === undefined) return refuse("the document is empty");
  if (root.name !== "Response")
    return refuse(`the root element is <${root.name.slice(0, 40)}> instead of <Response>`, BAD_ROOT);
  const version = root.attributes.get("version");
  if (version !== undefined && version !== "1.0" && version !== "1")
    return refuse(`version "${version.slice(0, 20)}" is not known`, BAD_VERSION);
  return root;
}

/** UTF-8 unless a byte order mark or the XML declaration says otherwise. */
function decode(bytes: Uint8Array): string {
  if (bytes.length > DOCUMENT_BYTES_MAX) throw new TwimlError(TOO_LARGE, "the document is larger than 64 kB");
  const head = Buffer.from(bytes.subarray(0, 100)).toString("latin1");
  const named = /^<\?xml[^>]{0,60}encoding=["']([A-Za-z0-9._-]{1,20})["']/.exec(head)?.[1]?.toLowerCase();
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const encoding = isUtf16 ? (bytes[0] === 0xff ? "utf-16le" : "utf-16be") : (named ?? "utf-8");
  if (!["utf-8", "utf8", "iso-8859-1", "us-ascii", "utf-16", "utf-16le", "utf-16be"].includes(encoding))
    throw new TwimlError(PARSE_FAILURE, `encoding ${encoding} is not supported`);
  return new TextDecoder(encoding).decode(bytes);
}
