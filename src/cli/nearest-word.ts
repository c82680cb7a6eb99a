/** "Did you mean": the word of a list that differs least from a misspelt one. */

/** @returns undefined when none is near: more than a third of the letters would have to change */
export function nearestWord(wrong: string, words: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = Math.max(2, Math.floor(wrong.length / 3)) + 1;
  for (const word of words) {
    if (Math.abs(word.length - wrong.length) >= least) continue;
    const changes = distance(wrong.toLowerCase(), word.toLowerCase());
    if (changes < least) {
      least = changes;
      nearest = word;
    }
  }
  return nearest;
}

/** Letters to put in, take out or change (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
