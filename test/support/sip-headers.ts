/** Header lists for tests. */
import { Headers } from "../../src/sip/headers.ts";

/** A header list of these lines. */
export function headerList(...lines: readonly (readonly [name: string, value: string])[]): Headers {
  const list = new Headers();
  for (const [name, value] of lines) list.add(name, value);
  return list;
}
