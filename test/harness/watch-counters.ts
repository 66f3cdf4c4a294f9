import { scrapeOnce } from './scrape.ts';

/** Scrapes replicas in turn, as a load balancer in front of them does for Prometheus. */
export interface CounterWatch {
  /** Scrapes that were answered so far. */
  readonly scrapes: number;
  /** Stops it; returns one line for each counter that fell. */
  stop(): Promise<readonly string[]>;
}

const GAUGES = /^blocking_(coordinators_total|waits|oldest_wait_seconds)\b/;

/** Starts at once. An answer of 503 is ignored: it shows nothing. */
export function watchCounters(urls: readonly string[]): CounterWatch {
  const seen = new Map<string, number>();
  const wrong: string[] = [];
  let scrapes = 0;
  let over = false;
  const watching = (async () => {
    for (let turn = 0; !over; turn++) {
      const url = urls[turn % urls.length] ?? '';
      const samples = await scrapeOnce(url).catch(() => undefined);
      if (samples === undefined) continue;
      scrapes++;
      for (const [name, text] of samples) {
        if (GAUGES.test(name)) continue;
        const before = seen.get(name) ?? 0;
        if (Number(text) < before) wrong.push(`${url} ${name}: ${before} before, ${text} now`);
        seen.set(name, Number(text));
      }
      for (const name of seen.keys()) if (!samples.has(name)) wrong.push(`${url} ${name}: it is gone`);
    }
  })();
  return {
    get scrapes() {
      return scrapes;
    },
    async stop() {
      over = true;
      await watching;
      return wrong;
    },
  };
}
