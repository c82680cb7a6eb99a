/** Few figures out of many samples. */

/** The value below which `share` of the samples lie. */
export function quantile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new RangeError("no samples");
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/**
 * The figure of one run. What disturbs a sample (another process, an interrupt) can only make it slower, so the lowest
 * tenth says more about the code than the mean. All candidates are judged alike.
 */
export function runFigure(samples: readonly number[]): number {
  return quantile(samples, 0.1);
}

/** How far apart runs were: (slowest - fastest) / median. */
export function spreadOf(figures: readonly number[]): number {
  return (Math.max(...figures) - Math.min(...figures)) / median(figures);
}

/** Three significant digits are all that a measurement deserves; more only looks exact. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
