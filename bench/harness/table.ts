/** Results as lines of text. */
import type { RowResult } from "./row.ts";

/** Our figure, then every peer's with the ratio ours / peer behind it. */
export function tableOf(rows: readonly RowResult[]): string {
  const lines = rows.map((row) => [
    row.name,
    `${shown(row.ours)} ${row.unit}`,
    Object.entries(row.peers)
      .map(([name, figure]) => `${name} ${shown(figure)} (${row.ratios[name]!.toFixed(2)})`)
      .join("  "),
  ]);
  const widths = [0, 1].map((column) => Math.max(...lines.map((line) => line[column]!.length)));
  const text = lines.map((line) => `${line[0]!.padEnd(widths[0]!)}  ${line[1]!.padStart(widths[1]!)}  ${line[2]}`);
  return `${text.join("\n")}\nin brackets: ours / peer, below 1 we are quicker\n`;
}

function shown(nanoseconds: number): string {
  return nanoseconds < 100 ? nanoseconds.toFixed(1) : nanoseconds.toFixed(0);
}
