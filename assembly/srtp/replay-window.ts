/**
 * The replay list (RFC 3711 §3.3.2): which of the 128 newest indices were seen. Bit n stands for the index n below the
 * highest one; 16 octets, little-endian. A window is asked before authentication and told after it.
 */

/** Indices that a window remembers, the highest one included. */
export const WINDOW_INDICES: i64 = 128;

/**
 * Whether a packet must be refused.
 * @param ahead its index less the highest one seen; 0 or less is a late packet
 */
export function windowRefuses(window: usize, ahead: i64): bool {
  if (ahead > 0) return false;
  const back = -ahead;
  if (back >= WINDOW_INDICES) return true;
  return ((load<u64>((window + ((back >> 6) << 3)) as usize) >> (back & 63)) & 1) != 0;
}

/** Remembers an index that was not refused. When `ahead` is above 0 it becomes the highest one. */
export function windowAccept(window: usize, ahead: i64): void {
  const newer = load<u64>(window);
  const older = load<u64>(window, 8);
  if (ahead <= 0) {
    const back = -ahead;
    const word = (window + ((back >> 6) << 3)) as usize;
    store<u64>(word, load<u64>(word) | ((<u64>1) << (back & 63)));
  } else if (ahead < 64) {
    store<u64>(window, (newer << ahead) | 1);
    store<u64>(window, (older << ahead) | (newer >> (64 - ahead)), 8);
  } else if (ahead < WINDOW_INDICES) {
    store<u64>(window, 1);
    store<u64>(window, newer << (ahead - 64), 8);
  } else {
    windowOpen(window);
  }
}

/** Forgets everything but the highest index, which is seen. */
export function windowOpen(window: usize): void {
  store<u64>(window, 1);
  store<u64>(window, 0, 8);
}

/** Takes the highest index and all below it as seen. */
export function windowFill(window: usize): void {
  store<u64>(window, -1);
  store<u64>(window, -1, 8);
}
