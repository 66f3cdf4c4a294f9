const SINGULAR = { are: 'is', were: 'was' } as const;

/** `1 entry` or `2 entries`, for error texts; with a verb `1 entry is`, `2 entries are`. */
export function countEntries(count: number, verb?: keyof typeof SINGULAR): string {
  const noun = count === 1 ? 'entry' : 'entries';
  if (verb === undefined) return `${count} ${noun}`;
  return `${count} ${noun} ${count === 1 ? SINGULAR[verb] : verb}`;
}
