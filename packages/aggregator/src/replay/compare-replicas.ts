import type { Catalogue } from '@streamfold/core';
import { toError, type RedisConnection } from '@streamfold/redis';
import type { Generation } from '../state/generation.ts';
import { giveBack, readText } from '../view/exposition.ts';
import { isAge } from '../view/read-gauge.ts';
import { createShardView } from '../view/shard-view.ts';
import { createSwarmMetrics, type SwarmMetrics } from '../view/swarm-metrics.ts';

/** A sample that differs between a replica and a newly loaded view; `null`: there is no such sample. */
export interface ReplicaDifference {
  readonly what: string;
  readonly replica: string | null;
  readonly expected: string | null;
}

/** The result of the comparison with one replica. */
export interface ReplicaComparison {
  /** Without a password. */
  readonly url: string;
  readonly outcome: 'equal' | 'differs' | 'not_served';
  /** Why it does not serve its metrics. */
  readonly detail?: string;
  readonly differences: readonly ReplicaDifference[];
}

export interface CompareReplicasOptions {
  /** The live generation on every shard. */
  readonly generations: readonly Generation[];
  readonly catalogue: Catalogue;
  /** Series of one metric that the replicas show each; 0: all. */
  readonly seriesLimit: number;
  readonly urls: readonly string[];
  /** Monotonic clock, ms. */
  readonly now: () => number;
}

/** A replica is asked this many times before a difference counts: a value that changes meanwhile can only be checked within bounds. */
const TRIES = 5;
const REPLY_TIMEOUT_MS = 10_000;

/**
 * Compares each replica with a view newly loaded from snapshot and delta log, which `verifyShard` compares with the
 * log. A sample that the view shows with the same value before and after the replica was asked must have that value;
 * one that changed meanwhile must be between the two. Ages are left out: they change with the clock.
 */
export async function compareReplicas(
  redis: RedisConnection,
  { generations, catalogue, seriesLimit, urls, now }: CompareReplicasOptions,
): Promise<ReplicaComparison[]> {
  const fresh = createSwarmMetrics(
    catalogue,
    (listener) =>
      generations.map((generation) =>
        createShardView({ redis, generation, listener, observe: ignore, createId: () => '', seriesLimit }),
      ),
    now,
  );
  const ages = catalogue.filter(isAge).map(({ name }) => name);
  const comparisons: ReplicaComparison[] = [];
  for (const url of urls) comparisons.push(await compareReplica(fresh, { url, ages }));
  return comparisons;
}

function ignore(): void {}

async function compareReplica(
  fresh: SwarmMetrics,
  { url, ages }: { url: string; ages: readonly string[] },
): Promise<ReplicaComparison> {
  const shownUrl = withoutCredentials(url);
  let differences: ReplicaDifference[] = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const before = parseSamples(await renderText(fresh), ages);
    const served = await fetchExposition(url);
    if (served.outcome === 'failed')
      return { url: shownUrl, outcome: 'not_served', detail: served.detail, differences: [] };
    const after = parseSamples(await renderText(fresh), ages);
    differences = findDifferences(parseSamples(served.text, ages), { before, after });
    if (differences.length === 0) return { url: shownUrl, outcome: 'equal', differences };
  }
  return { url: shownUrl, outcome: 'differs', differences };
}

async function renderText(metrics: SwarmMetrics): Promise<string> {
  const exposition = await metrics.scrape('text');
  try {
    return readText(exposition);
  } finally {
    giveBack(exposition);
  }
}

/** GET url/prometheus/metrics; credentials of the URL are sent as basic authentication. */
async function fetchExposition(
  url: string,
): Promise<
  | { readonly outcome: 'served'; readonly text: string }
  | { readonly outcome: 'failed'; readonly detail: string }
> {
  const target = new URL(`${url.replace(/\/+$/, '')}/prometheus/metrics`);
  const { username, password } = target;
  target.username = target.password = '';
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers = username === '' ? {} : { authorization: `Basic ${btoa(credentials)}` };
  try {
    const reply = await fetch(target, { headers, signal: AbortSignal.timeout(REPLY_TIMEOUT_MS) });
    const text = await reply.text();
    if (reply.status === 200) return { outcome: 'served', text };
    const [line = ''] = text.split('\n');
    return { outcome: 'failed', detail: `expected status 200; got ${reply.status}: ${line.slice(0, 200)}` };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { outcome: 'failed', detail: toError(cause).message };
  }
}

function withoutCredentials(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`.replace(/\/+$/, '');
}

type Samples = ReadonlyMap<string, string>;

function parseSamples(text: string, ages: readonly string[]): Samples {
  const samples = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#') || ages.some((name) => line.startsWith(name))) continue;
    const space = line.lastIndexOf(' ');
    samples.set(line.slice(0, space), line.slice(space + 1));
  }
  return samples;
}

function findDifferences(
  replica: Samples,
  { before, after }: { before: Samples; after: Samples },
): ReplicaDifference[] {
  const differences: ReplicaDifference[] = [];
  for (const what of new Set([...before.keys(), ...after.keys(), ...replica.keys()])) {
    const served = replica.get(what);
    const bounds = [before.get(what), after.get(what)] as const;
    if (isBetween(served, bounds)) continue;
    differences.push({ what, replica: served ?? null, expected: bounds[1] ?? bounds[0] ?? null });
  }
  return differences;
}

/** A missing sample counts as 0 if it appeared or disappeared meanwhile. */
function isBetween(
  served: string | undefined,
  [before, after]: readonly [string | undefined, string | undefined],
): boolean {
  if (before === after) return served === before;
  const [value, from, to] = [served, before, after].map((sample) => Number(sample ?? 0)) as [
    number,
    number,
    number,
  ];
  return value >= Math.min(from, to) && value <= Math.max(from, to);
}
