/**
 * In which order origination targets are tried (R-ORIG-12 to R-ORIG-16, R-BYOC-11): lowest priority number first; among
 * equals at random in proportion to weight, those that failed left out; weight 0 only after all others of its priority.
 */

/** What the order depends on. */
export interface OrderedTarget {
  /** 0 to 65535, lowest first. */
  readonly priority: number;
  /** 0 to 65535. */
  readonly weight: number;
  readonly enabled: boolean;
}

/**
 * Yields each enabled target once. Each pick is made when it is asked for, so that it sees the health of that moment.
 * @param random - uniform in [0, 1)
 * @param usable - leaves targets out at the moment of the pick, such as those that do not answer OPTIONS (R-KEEP-6)
 */
export function* orderTargets<T extends OrderedTarget>(
  targets: Iterable<T>,
  random: () => number,
  usable: (target: T) => boolean = () => true,
): Generator<T, void, void> {
  const remaining = [...targets].filter((target) => target.enabled);
  while (remaining.length > 0) {
    const candidates = remaining.filter(usable);
    if (candidates.length === 0) return;
    const priority = Math.min(...candidates.map((target) => target.priority));
    const pick = pickByWeight(
      candidates.filter((target) => target.priority === priority),
      random,
    );
    remaining.splice(remaining.indexOf(pick), 1);
    yield pick;
  }
}

function pickByWeight<T extends OrderedTarget>(group: readonly T[], random: () => number): T {
  const total = group.reduce((sum, target) => sum + target.weight, 0);
  if (total === 0) return group[Math.floor(random() * group.length)]!;
  const weighted = group.filter((target) => target.weight > 0);
  let point = random() * total;
  for (const target of weighted) {
    point -= target.weight;
    if (point < 0) return target;
  }
  // Only rounding gets here.
  return weighted.at(-1)!;
}
