import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { waitUntil } from '../harness/wait-until.ts';
import type { TimedEvent } from './read-entries.ts';

/**
 * Waits until the aggregator has folded everything, and returns the samples that differ from an independent fold of the
 * events, and the number of samples.
 */
export async function compareMetrics(
  events: readonly TimedEvent[],
  url: string,
): Promise<{ readonly differences: readonly string[]; readonly samples: number }> {
  const expected = foldReference(events);
  let differences: string[] = [];
  const differ = async (): Promise<string[]> => {
    const scraped = withoutAges(await scrape(url));
    return [...new Set([...expected.keys(), ...scraped.keys()])]
      .filter((name) => scraped.get(name) !== expected.get(name))
      .map((name) => `${name}: expected ${expected.get(name) ?? 'none'}; got ${scraped.get(name) ?? 'none'}`);
  };
  await waitUntil('the aggregator to have folded all', async () => {
    differences = await differ().catch((error: unknown) => [String(error)]);
    return differences.length === 0;
  }).catch(() => undefined);
  return { differences, samples: expected.size };
}
