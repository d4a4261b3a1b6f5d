/** The name that somebody most likely meant. */

/** Names that differ by more than this share of their length are not taken for typing errors. */
const DIFFERENCE_SHARE_MAX = 0.4;

/** The one of `names` that is nearest to `given`, if it is near. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const difference = editsBetween(given.toLowerCase(), name.toLowerCase());
    if (difference < least && difference <= Math.max(given.length, name.length) * DIFFERENCE_SHARE_MAX) {
      nearest = name;
      least = difference;
    }
  }
  return nearest;
}

/** How many characters have to be typed in, left out, replaced or swapped with their neighbour. */
function editsBetween(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[line - 1] === to[column - 1];
      const isSwapped = line > 1 && column > 1 && from[line - 1] === to[column - 2] && from[line - 2] === to[column - 1];
      const edits = [(row[column - 1] ?? 0) + (isSame ? 0 : 1), (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1];
      if (isSwapped) edits.push((before[column - 2] ?? 0) + 1);
      next.push(Math.min(...edits));
    }
    before = row;
    row = next;
  }
  return row[to.length] ?? 0;
}
