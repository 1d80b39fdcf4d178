import { Token } from "liquidjs";

type Position = [row: number, column: number];

/**
 * liquidjs counts from the start of the text for the line of each variable, which takes the square of its length: here,
 * once for a text. Lines and columns are the same.
 */
export function countLinesOnce(): void {
  let counted: { input: string; starts: number[] } = { input: "", starts: [0] };
  Token.prototype.getPosition = function (): Position {
    if (counted.input !== this.input) counted = { input: this.input, starts: startsOfLines(this.input) };
    const row = rowOf(counted.starts, this.begin);
    return [row, this.begin - (counted.starts[row - 1] ?? 0) + 1];
  };
}

function startsOfLines(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** How many lines have started up to here. */
function rowOf(starts: readonly number[], at: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
