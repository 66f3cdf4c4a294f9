import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { test } from '../harness/ava.ts';
import { readPublished } from '../harness/read-published.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { sortSamples, type Samples } from '../harness/scrape.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const SHIFT_MS = 300_000;

/** Runs a part in a process whose clock is off, and returns its output. */
async function playShifted(args: readonly string[], shiftMs: number): Promise<string> {
  const [preload, part] = ['./shifted-clock.js', './shifted-part.js'].map((file) =>
    fileURLToPath(new URL(file, import.meta.url)),
  );
  const child = spawn(process.execPath, ['--import', preload ?? '', part ?? '', ...args], {
    env: { ...process.env, STREAMFOLD_TEST_SHIFT_MS: String(shiftMs) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return text(child.stdout);
}

test('a coordinator whose clock is off by five minutes, in either direction, changes no number', async (t) => {
  const play = async (shiftsMs: readonly [number, number]): Promise<Samples> => {
    const prefix = nextPrefix();
    const startedMs = performance.now();
    const [ada, ben] = await Promise.all([
      playShifted([server.url, prefix, 'ada', 'ben'], shiftsMs[0]),
      playShifted([server.url, prefix, 'ben', 'ada'], shiftsMs[1]),
    ]);
    const tookMs = performance.now() - startedMs;
    for (const [at, printed] of [ada, ben].entries()) {
      for (const clock of printed.trim().split(' ')) {
        t.true(
          Math.abs(Number(clock) - Date.now() - (shiftsMs[at] ?? 0)) < 60_000,
          'the process did not have the shifted clock',
        );
      }
    }
    const events = await readPublished(server.redis, { prefix });
    for (const event of events) {
      for (const name of ['duration_ms', 'latency_ms']) {
        if (event[name] === undefined) continue;
        const ms = Number(event[name]);
        t.true(ms >= 0 && ms <= tookMs, `${name} ${ms}, of ${tookMs}`);
      }
    }
    for (const key of ['ada', 'ben']) {
      const record = await server.redis.hgetall(`${prefix}:{0}:coordinator:clocks|${key}`);
      for (const name of ['started_ms', 'beat_ms', 'ended_ms']) {
        t.true(Math.abs(Number(record[name]) - Date.now()) < 60_000, `${name} follows the clock of Redis`);
      }
    }
    // Sums and buckets depend on the durations of this run; everything else must be the same.
    const samples = [...foldReference(events.map((fields) => ({ fields })))];
    return sortSamples(samples.filter(([name]) => !/_sum\{|_bucket\{/.test(name)));
  };
  const straight = await play([0, 0]);
  t.true(straight.size > 5);
  t.deepEqual(await play([SHIFT_MS, -SHIFT_MS]), straight);
});
