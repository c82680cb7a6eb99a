/** Checks of what a caller hands in. A caller's mistake is a TypeError or RangeError that names the argument. */

/** @throws RangeError naming `name` unless `value` is a whole number from `min` to `max`. */
export function checkInteger(value: number, name: string, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    wrong(name, `a whole number from ${min} to ${max}`, value);
}

/** @throws TypeError or RangeError naming `name` unless `value` is a finite number of milliseconds. */
export function checkTime(value: number, name = "nowMs"): void {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, not ${typeof value}`);
  if (!Number.isFinite(value)) wrong(name, "a finite number of milliseconds", String(value));
}

/** @throws TypeError naming `name` unless `value` is an array of octets. */
export function checkOctets(value: Uint8Array, name: string): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} must be a Uint8Array`);
}

/** @throws TypeError naming `name` unless `value` is a function. */
export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== "function") throw new TypeError(`${name} must be a function`);
}

/** @throws TypeError naming `name` unless `value` is an object. */
export function checkObject(value: unknown, name: string): void {
  if (typeof value !== "object" || value === null) throw new TypeError(`${name} must be an object`);
}

/** @throws TypeError naming `name` unless `value` is absent or true or false. */
export function checkFlag(value: boolean | undefined, name: string): void {
  if (value !== undefined && typeof value !== "boolean") throw new TypeError(`${name} must be a boolean`);
}

/** @throws RangeError saying what `name` must be and what it is. */
export function wrong(name: string, expected: string, value: unknown): never {
  throw new RangeError(`${name} must be ${expected}, not ${JSON.stringify(value) ?? typeof value}`);
}
