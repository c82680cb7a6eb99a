/**
 * How losses lie in a received stream: bursts and gaps as RFC 3611 §4.7.2 defines them, with Gmin 16, and runs of
 * consecutive losses for the BurstR of ITU-T G.107. A packet is judged when 64 others have followed it, so that late and
 * reordered ones are no losses; one that came and could not be played (discarded) is.
 */

/** RFC 3611 §4.7.2: so many packets received in a row between two losses part them into different bursts. */
const GMIN: i32 = 16;
const WINDOW: i32 = 64;

@unmanaged
export class LossPattern {
  started: i32;
  /** Extended sequence numbers of the run: the first, and the highest so far. */
  base: i32;
  highest: i32;
  /** Judged packets, and those of them that were lost or discarded. */
  packets: u32;
  missing: u32;
  discarded: u32;
  /** Runs of consecutive missing packets. */
  lossRuns: u32;
  /** Periods that begin and end with a loss and have two or more, fewer than Gmin packets apart. */
  bursts: u32;
  burstPackets: u32;
  burstMissing: u32;
  /** What may become a burst: from its first loss to its last one. */
  runPackets: i32;
  runMissing: i32;
  /** Packets received since the last loss, 0 right behind one. */
  sinceLoss: i32;
  /** 1: the very first packet belongs to a burst; 2: to what may become one. */
  beginsInBurst: i32;
  /** Bit n: the packet n before the highest is there. */
  present: u64;
}

/** A packet was accepted. @param restarts - it begins a run elsewhere: what came before is judged at once */
export function patternReceived(pattern: LossPattern, extended: i32, restarts: bool): void {
  if (restarts || !pattern.started) {
    judgeAll(pattern);
    pattern.started = 1;
    pattern.base = extended;
    pattern.highest = extended;
    pattern.present = 1;
    return;
  }
  const ahead = extended - pattern.highest;
  if (ahead <= 0) {
    if (ahead > -WINDOW) pattern.present |= (<u64>1) << -ahead;
    return;
  }
  for (let step: i32 = 0; step < ahead; step++) {
    if (pattern.highest - pattern.base >= WINDOW - 1) judge(pattern, <i32>(pattern.present >> (WINDOW - 1)));
    pattern.present <<= 1;
    pattern.highest++;
  }
  pattern.present |= 1;
}

/** A packet that was accepted came too late to be played. */
export function patternDiscarded(pattern: LossPattern, extended: i32): void {
  const behind = pattern.highest - extended;
  if (!pattern.started || behind < 0 || behind >= WINDOW) return;
  const bit = (<u64>1) << behind;
  if ((pattern.present & bit) == 0) return;
  pattern.present &= ~bit;
  pattern.discarded++;
}

/** Judges what is still open, as at the end of a stream; to be done to a copy when the stream goes on. */
export function patternClose(pattern: LossPattern): void {
  judgeAll(pattern);
  closeRun(pattern);
}

/** Periods between bursts, before the first and behind the last, that have any packet; after `patternClose`. */
export function patternGaps(pattern: LossPattern): u32 {
  if (pattern.packets == pattern.burstPackets) return 0;
  const endsInBurst = pattern.bursts > 0 && pattern.sinceLoss == 0 && pattern.runMissing >= 2;
  return pattern.bursts + 1 - (endsInBurst ? 1 : 0) - (pattern.beginsInBurst == 1 ? 1 : 0);
}

function judgeAll(pattern: LossPattern): void {
  if (!pattern.started) return;
  for (let behind = min<i32>(WINDOW - 1, pattern.highest - pattern.base); behind >= 0; behind--)
    judge(pattern, <i32>(pattern.present >> behind) & 1);
  pattern.started = 0;
}

function judge(pattern: LossPattern, isPresent: i32): void {
  pattern.packets++;
  if (isPresent) {
    if (pattern.sinceLoss < GMIN) pattern.sinceLoss++;
    return;
  }
  pattern.missing++;
  if (pattern.missing == 1 || pattern.sinceLoss > 0) pattern.lossRuns++;
  if (pattern.runMissing > 0 && pattern.sinceLoss < GMIN) {
    pattern.runPackets += pattern.sinceLoss + 1;
    pattern.runMissing++;
  } else {
    closeRun(pattern);
    pattern.runMissing = 1;
    pattern.runPackets = 1;
    if (pattern.packets == 1) pattern.beginsInBurst = 2;
  }
  pattern.sinceLoss = 0;
}

/** One loss alone belongs to the gap around it. */
function closeRun(pattern: LossPattern): void {
  if (pattern.runMissing >= 2) {
    pattern.bursts++;
    pattern.burstPackets += pattern.runPackets;
    pattern.burstMissing += pattern.runMissing;
    if (pattern.beginsInBurst == 2) pattern.beginsInBurst = 1;
  }
  if (pattern.beginsInBurst == 2) pattern.beginsInBurst = 0;
}
