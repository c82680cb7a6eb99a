/** Where names of callers come from (R-CNAM-4): an HTTP service by a URL template, or a table in a file. */

import { readFileSync } from "node:fs";
import { ConfigError, messageOf } from "../base/errors.ts";
import type { WebhookClient } from "./webhook.ts";

export interface CnamProvider {
  /** Resolves with the name as it was given, "" when there is none; rejects when there was no answer. */
  nameOf(number: string, signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/** What stands for the number in the URL, without and with its plus. */
const NUMBER = /\{(number|digits)\}/g;
const ANSWER_BYTES_MAX = 4096;
const TABLE_BYTES_MAX = 256 * 1024 * 1024;

/**
 * @param template - `https://cnam.example.net/v1/{number}`; `{number}` is +14155550100, percent-encoded, `{digits}` has no plus
 */
export function httpProvider(client: Pick<WebhookClient, "request" | "close">, template: string): CnamProvider {
  const nameOf = async (number: string, signal: AbortSignal): Promise<string> => {
    const url = template.replace(NUMBER, (_all, what) =>
      what === "number" ? encodeURIComponent(number) : number.slice(1),
    );
    const answer = await client.request({
      url,
      method: "GET",
      parameters: [],
      authToken: undefined,
      answerBytesMax: ANSWER_BYTES_MAX,
      signal,
    });
    return nameIn(answer.body.toString("utf8"), answer.contentType);
  };
  return { nameOf, close: () => client.close() };
}

/** JSON with `name` or `caller_name` (text, or an object with `caller_name` as Twilio's Lookup has it); else the first line. */
export function nameIn(body: string, contentType: string): string {
  if (!/^application\/(.*\+)?json\b/i.test(contentType.trim())) return body.split(/\r?\n/, 1)[0]!;
  const parsed: unknown = JSON.parse(body);
  const fieldOf = (value: unknown, field: string): unknown =>
    typeof value === "object" && value !== null ? (value as Record<string, unknown>)[field] : undefined;
  const callerName = fieldOf(parsed, "caller_name");
  const found = [fieldOf(parsed, "name"), callerName, fieldOf(callerName, "caller_name")].find(
    (one) => typeof one === "string",
  );
  return (found as string | undefined) ?? "";
}

/**
 * Lines of `+14155550100,ACME INC`; empty lines and those that begin with # are left out. Read once.
 * @throws ConfigError naming the line that cannot be read
 */
export function tableProvider(file: string): CnamProvider {
  const names = new Map<string, string>();
  let text: string;
  try {
    const bytes = readFileSync(file);
    if (bytes.length > TABLE_BYTES_MAX) throw new Error(`it has more than ${TABLE_BYTES_MAX} octets`);
    text = bytes.toString("utf8");
  } catch (error) {
    throw new ConfigError(`cnam.file ${file}: cannot be read: ${messageOf(error)}`);
  }
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const parts = /^\s*(\+[1-9][0-9]{1,14})\s*[,;\t](.*)$/.exec(line);
    if (parts === null)
      throw new ConfigError(`cnam.file ${file}, line ${index + 1}: expected a line such as +14155550100,ACME INC`);
    names.set(parts[1]!, parts[2]!);
  }
  return { nameOf: async (number) => names.get(number) ?? "", close: async () => undefined };
}
