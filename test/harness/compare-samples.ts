import type { Samples } from './scrape.ts';

/** The differences between two expositions, one line per sample; none if they are equal. */
export function compareSamples(got: Samples, expected: Samples): string[] {
  const names = new Set([...got.keys(), ...expected.keys()]);
  return [...names]
    .filter((name) => got.get(name) !== expected.get(name))
    .map((name) => `${name}: expected ${expected.get(name) ?? 'none'}; got ${got.get(name) ?? 'none'}`);
}
