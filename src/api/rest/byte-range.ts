/** One range of octets out of a Range header (RFC 9110 §14.1.2). */

export interface ByteRange {
  readonly start: number;
  /** The last octet that belongs to it. */
  readonly end: number;
}

/**
 * @param size - octets there are, at least 1
 * @returns undefined for the whole: no header, several ranges, or one that cannot be read (RFC 9110 §14.2)
 */
export function readByteRange(header: string | undefined, size: number): ByteRange | "unsatisfiable" | undefined {
  const parts = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(header ?? "");
  if (parts === null) return undefined;
  const [, first, last] = parts;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const count = Number(last);
    return count === 0 ? "unsatisfiable" : { start: Math.max(0, size - count), end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= size ? "unsatisfiable" : { start, end };
}
