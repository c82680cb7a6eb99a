/** Parameters of functions that the gateway does not have: kept as they were given and told back. */

import type { Parameters } from "./parameters.ts";

const TEXT_LENGTH_MAX = 255;

/**
 * What is echoed after a request.
 * @param names - name of the parameter → of the property
 * @returns undefined when there is nothing and was nothing
 */
export function readEchoed(
  body: Parameters,
  names: ReadonlyMap<string, string>,
  before: Readonly<Record<string, string | null>> | undefined,
): Readonly<Record<string, string | null>> | undefined {
  const echoed: Record<string, string | null> = { ...before };
  for (const [name, property] of names) {
    const value = body.text(name, TEXT_LENGTH_MAX);
    if (value !== undefined) echoed[property] = value === "" ? null : value;
  }
  return Object.keys(echoed).length === 0 ? undefined : echoed;
}
