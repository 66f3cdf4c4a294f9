/** The seed in SCHEDULE_SEED, or else the given one. */
export function readSeed(given: number): number {
  const named = process.env['SCHEDULE_SEED'];
  if (named === undefined) return given;
  const seed = Number(named);
  if (Number.isSafeInteger(seed)) return seed;
  throw new Error(`SCHEDULE_SEED: expected a whole number; got ${named}`);
}
