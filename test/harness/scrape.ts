import { toError } from '@streamfold/redis';
import { waitUntil } from './wait-until.ts';

/** Samples of an exposition: `name{labels}` to value, both as text. */
export type Samples = ReadonlyMap<string, string>;

/**
 * GET /prometheus/metrics, with the parameter if it is given, as soon as it is served: right after a start or a failure an
 * aggregator answers 503, and a scrape comes again.
 *
 * @throws {Error} if it is not served by the deadline; the text holds the last answer.
 */
export async function scrape(url: string, zeroFirstSeconds?: number): Promise<Samples> {
  let outcome: Samples | Error = new Error('not asked yet');
  await waitUntil(`${url} serves metrics`, async () => {
    outcome = await scrapeOnce(url, zeroFirstSeconds).catch(toError);
    return !(outcome instanceof Error);
  }).catch((cause: unknown) => {
    throw new Error(`${toError(cause).message}; ${String(outcome)}`, { cause });
  });
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

/** The same, whatever the answer is. @throws {Error} if the status is not 200. */
export async function scrapeOnce(url: string, zeroFirstSeconds?: number): Promise<Samples> {
  const query = zeroFirstSeconds === undefined ? '' : `?zero_first_seconds=${zeroFirstSeconds}`;
  const response = await fetch(`${url}/prometheus/metrics${query}`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`expected 200 of ${url}; got ${response.status}: ${text}`);
  return parseSamples(text);
}

/** Reads the samples of a text exposition; comments are left out. */
export function parseSamples(text: string): Samples {
  const samples = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const space = line.lastIndexOf(' ');
    samples.set(line.slice(0, space), line.slice(space + 1));
  }
  return samples;
}

/** The same samples in the order of their names, so that a failed comparison is readable. */
export function sortSamples(samples: Iterable<readonly [string, string]>): Samples {
  return new Map([...samples].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/** The samples that do not change with the clock. */
export function withoutAges(samples: Samples): Samples {
  return new Map([...samples].filter(([name]) => !name.startsWith('blocking_oldest_wait_seconds')));
}
