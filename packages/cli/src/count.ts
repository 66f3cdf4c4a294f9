/** A number of things, with separators: `1 entry`, `2,000 entries`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${showNumber(n)} ${n === 1 ? one : many}`;
}

/** A number with separators. */
export function showNumber(n: number): string {
  return n.toLocaleString('en');
}
