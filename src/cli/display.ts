/** What commands show: a live line while something runs, and tables. Plain lines when no terminal is there. */

import type { Writable } from "node:stream";

/** A column text of the final table. */
export type Row = readonly string[];

export class Display {
  readonly #out: Writable & { isTTY?: boolean; columns?: number };
  #live = false;

  constructor(out: Writable & { isTTY?: boolean; columns?: number }) {
    this.#out = out;
  }

  /** A line that stays. */
  line(text = ""): void {
    this.#clearLive();
    this.#out.write(`${text}\n`);
  }

  /** A line that the next one replaces; without a terminal nothing is shown. */
  live(text: string): void {
    if (this.#out.isTTY !== true) return;
    this.#clearLive();
    this.#out.write(text.slice(0, (this.#out.columns ?? 100) - 1));
    this.#live = true;
  }

  /** Columns as wide as their longest cell. */
  table(head: Row, rows: readonly Row[]): void {
    const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
    const write = (row: Row): void =>
      this.line(
        `  ${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join("  ")
          .trimEnd()}`,
      );
    write(head);
    write(widths.map((width) => "─".repeat(width)));
    for (const row of rows) write(row);
  }

  #clearLive(): void {
    if (!this.#live) return;
    this.#out.write("\r\x1b[2K");
    this.#live = false;
  }
}
