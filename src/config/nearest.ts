/** The word that was probably meant; undefined when none is near, or two are equally so. */
export function nearest(written: string, known: Iterable<string>): string | undefined {
  const word = written.toLowerCase().replaceAll('-', '_');
  const allowed = word.length <= 3 ? 1 : word.length <= 8 ? 2 : 3;
  let best = { distance: allowed + 1, words: [] as string[] };
  for (const candidate of known) {
    // The length bound also keeps a key of a megabyte from being compared letter by letter.
    if (Math.abs(candidate.length - word.length) > allowed) continue;
    const distance = editDistance(word, candidate.toLowerCase());
    if (distance < best.distance) best = { distance, words: [candidate] };
    else if (distance === best.distance && distance <= allowed) best.words.push(candidate);
  }
  return best.words.length === 1 ? best.words[0] : undefined;
}

/** Optimal string alignment: an insertion, deletion, replacement or swap of neighbours costs 1. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replace = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let cost = Math.min(replace, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped && row > 1 && column > 1) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
