import { EXPOSITION_ENDS, renderHead, type Catalogue } from '@streamfold/core';
import { ConfigurationError } from '@streamfold/redis';
import { isAge } from '../view/read-gauge.ts';
import { createLogCursor, type LogCursor, type LogPages } from './log-cursor.ts';
import { createSteppedFamily, type SteppedFamily, type TargetLabels } from './stepped-family.ts';
import { createSteppedState, type SteppedState } from './stepped-state.ts';

export interface BackfillOptions {
  /** The whole log of each shard, from its beginning to `untilMs` at least. */
  readonly logs: readonly LogPages[];
  readonly catalogue: Catalogue;
  readonly labels: TargetLabels;
  /** Whole seconds: steps are at its multiples. */
  readonly stepSeconds: number;
  /** The first step is not before this; by default just before the first entry. */
  readonly fromMs: number | undefined;
  /** The last step is not after this. */
  readonly untilMs: number;
  /** Receives a piece of the text; the backfill waits for the returned promise. */
  readonly write: (text: string) => Promise<void> | undefined;
  readonly onProgress: (progress: BackfillProgress) => void;
}

export interface BackfillProgress {
  /** Times in the log, ms: its beginning, the current position, and the end of the backfill. */
  readonly beganMs: number;
  readonly atMs: number;
  readonly untilMs: number;
  readonly entries: number;
  readonly deadLetters: number;
  readonly steps: number;
  readonly samples: number;
}

/** Entries are merged into the state after at most this number, so that memory does not grow with the entries of a step. */
const SETTLE_ENTRIES = 10_000;
/**
 * More steps are refused: 434 days at 15 s. One entry with an ID near 0, from a clock that had not been set, would
 * cause more than a hundred million steps since 1970.
 */
const MOST_STEPS = 2_500_000;

/**
 * Folds the log and writes the values that a scrape would have shown at each step, as OpenMetrics with timestamps, for
 * `promtool tsdb create-blocks-from openmetrics`. The value at a step is the fold of all entries up to it.
 *
 * Streams: memory grows with the number of series and one page of each log. Samples are written step by step, not series by
 * series as OpenMetrics specifies: that would take the memory, and promtool accepts this order.
 *
 * @throws {ConfigurationError} if there would be too many steps; nothing is written then.
 * @throws {Error} if the logs have no entry up to `untilMs`, or reading one of them fails. The text then lacks its end, and no
 *   reader accepts it.
 */
export async function backfill(options: BackfillOptions): Promise<BackfillProgress> {
  const { catalogue, labels, logs } = options;
  const families = new Map(catalogue.map((metric) => [metric.name, createSteppedFamily(metric, labels)]));
  const state = createSteppedState(
    { catalogue, shards: logs.length },
    {
      born: (name, key) => families.get(name)?.born(key),
      changed: (name, key) => families.get(name)?.mark(key),
    },
  );
  const cursors = state.pages.flatMap((pages, shard) => {
    const log = logs[shard];
    return log === undefined ? [] : [createLogCursor(log, pages)];
  });
  try {
    return await writeSteps({ cursors, families, state }, options);
  } finally {
    for (const cursor of cursors) await cursor.close();
  }
}

interface SteppedFold {
  readonly cursors: readonly LogCursor[];
  readonly families: ReadonlyMap<string, SteppedFamily>;
  readonly state: SteppedState;
}

async function writeSteps(
  { cursors, families, state }: SteppedFold,
  { catalogue, stepSeconds, fromMs, untilMs, write, onProgress }: BackfillOptions,
): Promise<BackfillProgress> {
  const stepMs = stepSeconds * 1_000;
  const beganMs = await findBeginning(cursors, untilMs);
  let steps = 0;
  const tell = (atMs: number): BackfillProgress => {
    const { entries, deadLetters } = state;
    let samples = 0;
    for (const family of families.values()) samples += family.samples;
    const progress = { beganMs, atMs, untilMs, entries, deadLetters, steps, samples };
    onProgress(progress);
    return progress;
  };

  /** Folds all entries up to `atMs`. */
  const advance = async (atMs: number): Promise<void> => {
    for (const cursor of cursors) {
      while (!(await cursor.fold({ untilMs: atMs, count: SETTLE_ENTRIES }))) {
        state.settle(atMs);
        tell(atMs);
      }
    }
    state.settle(atMs);
  };

  const lastMs = Math.floor(untilMs / stepMs) * stepMs;
  const before = Math.floor((beganMs - 1) / stepMs) * stepMs;
  const firstMs = fromMs === undefined ? before : Math.max(before, Math.ceil(fromMs / stepMs) * stepMs);
  if (firstMs > lastMs) {
    throw new Error(
      `backfill: expected a multiple of ${stepSeconds} s between the first and the last time; there is none`,
    );
  }
  refuseTooManySteps({ firstMs, lastMs, stepSeconds });
  for (const metric of catalogue) await write(renderHead(metric, 'openmetrics'));
  for (let atMs = firstMs; atMs <= lastMs; atMs += stepMs) {
    await advance(atMs);
    const atSeconds = atMs / 1_000;
    const beforeSeconds = atMs === firstMs ? undefined : atSeconds - stepSeconds;
    for (const metric of catalogue) {
      const family = families.get(metric.name);
      if (family === undefined) continue;
      if (isAge(metric)) for (const key of state.gaugeKeys(metric.projection)) family.mark(key);
      for (const text of family.render({ atSeconds, beforeSeconds, value: state.value })) await write(text);
    }
    steps++;
    tell(atMs);
  }
  await write(EXPOSITION_ENDS.openmetrics);
  return tell(lastMs);
}

function refuseTooManySteps({
  firstMs,
  lastMs,
  stepSeconds,
}: {
  firstMs: number;
  lastMs: number;
  stepSeconds: number;
}): void {
  const steps = (lastMs - firstMs) / (stepSeconds * 1_000) + 1;
  if (steps <= MOST_STEPS) return;
  const [first, last] = [firstMs, lastMs].map((ms) => new Date(ms).toISOString());
  throw new ConfigurationError(
    `expected at most ${MOST_STEPS.toLocaleString('en')} steps; from ${first}, the beginning of the log or of the chosen time, to ${last} there are ${steps.toLocaleString('en')} of ${stepSeconds} s: choose a later beginning (entries before it are folded too), an earlier end or a longer step`,
    { options: ['fromMs', 'untilMs', 'stepSeconds'] },
  );
}

/** The time of the first entry of all logs. */
async function findBeginning(cursors: readonly LogCursor[], untilMs: number): Promise<number> {
  let beganMs = Infinity;
  for (const cursor of cursors) beganMs = Math.min(beganMs, (await cursor.peekMs()) ?? Infinity);
  if (beganMs <= untilMs) return beganMs;
  throw new Error(`log: expected entries up to ${new Date(untilMs).toISOString()}; there are none`);
}
