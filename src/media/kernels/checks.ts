/** What the kernels check of their arguments besides the rules of the core (../checks.ts). */

/** @throws TypeError unless it is an Int16Array */
export function checkSamples(value: unknown, name: string): void {
  if (!(value instanceof Int16Array)) throw new TypeError(`${name} must be an Int16Array`);
}

/** @throws RangeError when `out` cannot hold `count` items */
export function checkRoom(out: { readonly length: number }, count: number, name: string): void {
  if (out.length < count) throw new RangeError(`${name} must hold ${count} items, it holds ${out.length}`);
}
