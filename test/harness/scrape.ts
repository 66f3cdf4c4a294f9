/** Samples of an exposition: `name{labels}` to value, both as text. */
export type Samples = ReadonlyMap<string, string>;

/** GET /prometheus/metrics. @throws {Error} where the status is not 200. */
export async function scrape(url: string): Promise<Samples> {
  const response = await fetch(`${url}/prometheus/metrics`);
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

/** The samples that do not move with the clock. */
export function withoutAges(samples: Samples): Samples {
  return new Map([...samples].filter(([name]) => !name.startsWith('blocking_oldest_wait_seconds')));
}
