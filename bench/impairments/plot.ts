/** One plot as SVG text: delay over time above, what was lost and made up below. */
export interface Line {
  readonly label: string;
  readonly color: string;
  readonly dashed?: boolean;
  readonly dots?: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly seconds: number;
  /** Upper panel, ms. */
  readonly delays: readonly Line[];
  /** Lower panel, percent of each step of time. */
  readonly shares: readonly Line[];
}

const WIDTH = 920;
const LEFT = 56;
const RIGHT = 16;
const UPPER = { top: 44, height: 210 };
const LOWER = { top: 296, height: 100 };
const HEIGHT = 424;
const POINTS_MAX = 700;

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const round = (n: number) => Math.round(n * 10) / 10;

/** A full step for axes: 1, 2 or 5 times a power of ten. */
function stepOf(range: number, count: number): number {
  const rough = range / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
}

/** Keeps the highest of each piece of time, so that no peak is lost. */
function thin(points: Line["points"]): Line["points"] {
  const size = Math.ceil(points.length / POINTS_MAX);
  if (size <= 1) return points;
  const kept: (readonly [number, number])[] = [];
  for (let i = 0; i < points.length; i += size)
    kept.push(points.slice(i, i + size).reduce((most, point) => (point[1] > most[1] ? point : most)));
  return kept;
}

function panel(lines: readonly Line[], area: typeof UPPER, seconds: number, most: number, unit: string): string {
  const x = (value: number) => round(LEFT + (value / seconds) * (WIDTH - LEFT - RIGHT));
  const y = (value: number) => round(area.top + area.height - (Math.min(value, most) / most) * area.height);
  const parts: string[] = [];
  for (let value = 0; value <= most; value += stepOf(most, 4))
    parts.push(
      `<line x1="${LEFT}" y1="${y(value)}" x2="${WIDTH - RIGHT}" y2="${y(value)}" stroke="#ddd"/>`,
      `<text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${value}${unit}</text>`,
    );
  for (let value = 0; value <= seconds; value += stepOf(seconds, 8))
    parts.push(`<text x="${x(value)}" y="${area.top + area.height + 16}" text-anchor="middle">${value} s</text>`);
  for (const { color, dashed, dots, points } of lines) {
    const kept = thin(points);
    if (dots)
      parts.push(
        `<path d="${kept.map(([a, b]) => `M${x(a)} ${y(b)}h.1`).join("")}" stroke="${color}" stroke-width="2.4" stroke-linecap="round" fill="none"/>`,
      );
    else
      parts.push(
        `<polyline points="${kept.map(([a, b]) => `${x(a)},${y(b)}`).join(" ")}" stroke="${color}" fill="none" stroke-width="1.6"${dashed ? ' stroke-dasharray="5 3"' : ""}/>`,
      );
  }
  return parts.join("\n");
}

function legend(lines: readonly Line[], top: number): string {
  let at = LEFT;
  return lines
    .map(({ label, color }) => {
      const text = `<rect x="${at}" y="${top - 8}" width="14" height="4" fill="${color}"/><text x="${at + 19}" y="${top - 2}">${escaped(label)}</text>`;
      at += 34 + label.length * 6.4;
      return text;
    })
    .join("\n");
}

function mostOf(lines: readonly Line[], least: number): number {
  let most = least;
  for (const { points } of lines) for (const [, y] of points) most = Math.max(most, y);
  const step = stepOf(most, 4);
  return Math.ceil(most / step) * step;
}

export function drawPlot({ title, seconds, delays, shares }: Plot): string {
  const delayMost = Math.min(mostOf(delays, 80), 500);
  const shareMost = Math.min(mostOf(shares, 5), 100);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="20" font-size="15">${escaped(title)}</text>`,
    legend(delays, 38),
    panel(delays, UPPER, seconds, delayMost, " ms"),
    legend(shares, 290),
    panel(shares, LOWER, seconds, shareMost, " %"),
    "</svg>\n",
  ].join("\n");
}
