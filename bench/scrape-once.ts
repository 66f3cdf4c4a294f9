import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ContenderProcess } from './contender/contender-process.ts';

/** What one scrape costs. */
export interface ScrapeCost {
  /** CPU time of the aggregator's main thread, ms: reading the delta log, rendering and HTTP. */
  readonly mainThreadMs: number;
  /** From the request to the last byte, ms. */
  readonly clientMs: number;
  readonly bytes: number;
}

/** Scrapes once, and measures the aggregator meanwhile. */
export async function scrapeOnce(
  aggregator: ContenderProcess,
  base: string,
  encoding: 'identity' | 'gzip',
): Promise<ScrapeCost> {
  const beforeMs = aggregator.readMainThreadMs();
  const startedMs = performance.now();
  const bytes = await fetchBytes(base, encoding);
  const clientMs = performance.now() - startedMs;
  return { mainThreadMs: aggregator.readMainThreadMs() - beforeMs, clientMs, bytes };
}

/** Number of bytes of an answer, which are not kept. */
export async function fetchBytes(base: string, encoding: 'identity' | 'gzip'): Promise<number> {
  const url = `${base}/prometheus/metrics`;
  return new Promise((resolve, reject) => {
    get(url, { agent: false, headers: { 'accept-encoding': encoding } }, (response) => {
      if (response.statusCode !== 200) {
        void text(response).then((why) => {
          reject(new Error(`scrape: expected status 200, got ${response.statusCode}: ${why}`));
        }, reject);
        return;
      }
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.once('end', () => resolve(bytes));
      response.once('error', reject);
    }).once('error', reject);
  });
}
