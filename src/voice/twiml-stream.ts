/** `<Stream>` and its `<Parameter>`s (media-streams.md 2). */

import { AttributeReader, type Element, SCHEMA_WARNING, type Warnings } from "./attributes.ts";
import type { StreamNoun } from "./verbs.ts";

const KNOWN = [
  "url",
  "name",
  "track",
  "statusCallback",
  "statusCallbackMethod",
  "connectorName",
  "audioFormat",
  "sampleRate",
];

export function readStream(element: Element, warnings: Warnings): StreamNoun {
  const attributes = new AttributeReader(element, KNOWN, warnings);
  const parameters: [string, string][] = [];
  for (const child of element.children) {
    if (child.name !== "Parameter") {
      warnings.add(SCHEMA_WARNING, `<${child.name.slice(0, 40)}> is not allowed in <Stream>`, child.line);
      continue;
    }
    const parameter = new AttributeReader(child, ["name", "value"], warnings);
    const name = parameter.text("name");
    if (name === null || name === "") warnings.add(SCHEMA_WARNING, "<Parameter> has no name", child.line);
    else parameters.push([name, parameter.text("value") ?? ""]);
  }
  return {
    url: attributes.text("url") ?? "",
    name: attributes.text("name") ?? "",
    track: attributes.text("track") ?? "inbound_track",
    statusCallback: attributes.text("statusCallback") ?? "",
    statusCallbackMethod: attributes.method("statusCallbackMethod", "POST", SCHEMA_WARNING),
    connectorName: attributes.text("connectorName") ?? "",
    parameters,
  };
}
