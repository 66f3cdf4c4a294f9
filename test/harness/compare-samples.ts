import type { Samples } from './scrape.ts';

/** What two expositions say differently, one line a sample; nothing where they are equal. */
export function compareSamples(got: Samples, expected: Samples): string[] {
  const names = new Set([...got.keys(), ...expected.keys()]);
  return [...names]
    .filter((name) => got.get(name) !== expected.get(name))
    .map((name) => `${name}: expected ${expected.get(name) ?? 'none'}; got ${got.get(name) ?? 'none'}`);
}
