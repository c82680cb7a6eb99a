/**
 * Text of peers on its way to a terminal (hardening R27): control characters, which could move the cursor or speak to the
 * terminal, and characters that change the direction of writing are shown as what they are.
 */

/** C0 but for nothing at all, DEL, C1, line and paragraph separators, marks and isolates of direction, invisible ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/g;

/** One line that a terminal shows as it is. */
export function safeText(text: string): string {
  return text.toWellFormed().replace(UNSAFE, escaped);
}

/** JSON whose strings hold nothing that a terminal would act on; it still means the same. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(UNSAFE, (letter) => (letter === "\n" ? letter : escaped(letter)));
}

function escaped(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Breaks at blanks; words that are longer than a line are cut. The first line begins at `indent` as well. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    let rest = word;
    if (line !== "" && line.length + 1 + rest.length <= width) {
      line += ` ${rest}`;
      continue;
    }
    if (line !== "") lines.push(line);
    while (rest.length > width) {
      lines.push(rest.slice(0, width));
      rest = rest.slice(width);
    }
    line = rest;
  }
  if (line !== "" || lines.length === 0) lines.push(line);
  return lines;
}

/** At most `width` characters, with a mark where something was cut. */
export function clipText(text: string, width: number): string {
  if (text.length <= width) return text;
  // By whole characters: half of one would be another.
  const letters = [...text];
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join("")}~`;
}
