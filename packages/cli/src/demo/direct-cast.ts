import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Part } from './cast.ts';
import { firstAbort } from './first-abort.ts';
import type { Stage } from './play-part.ts';

const PROGRAM = fileURLToPath(new URL('./coordinator-main.js', import.meta.url));
/** About how long a mortal coordinator lives, and stays away: long enough to be declared dead. */
const LIFE_MS = 15_000;
const GONE_MS = 12_000;
const STOP_DEADLINE_MS = 3_000;

/**
 * Runs each part in its own process until `stop` is aborted. Mortal ones are killed by SIGKILL and come back; a process
 * that ends in another way is restarted. When it resolves, none of them runs.
 */
export async function directCast(cast: readonly Part[], stage: Stage, stop: AbortSignal): Promise<void> {
  await Promise.all(cast.map((part) => directPart(part, stage, stop)));
}

async function directPart(part: Part, stage: Stage, stop: AbortSignal): Promise<void> {
  const { redisUrl, prefix, shards, pause, random } = stage;
  const about = (ms: number): number => ms * (0.5 + random());
  while (!stop.aborted) {
    const child = fork(PROGRAM, [JSON.stringify(part), JSON.stringify({ prefix, shards })], {
      env: { ...process.env, STREAMFOLD_REDIS_URL: redisUrl }, // every user can read the arguments of a process
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      detached: true, // Ctrl-C in a terminal must not reach it: we end it ourselves
    });
    const ended = new AbortController();
    void once(child, 'exit').then(() => ended.abort());
    const either = firstAbort(stop, ended.signal);
    await pause(part.temper === 'mortal' ? about(LIFE_MS) : 2 ** 30, either);
    if (stop.aborted) await end(child, ended.signal);
    else child.kill('SIGKILL');
    await pause(about(GONE_MS), stop);
  }
}

async function end(child: ChildProcess, ended: AbortSignal): Promise<void> {
  if (ended.aborted) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await exited;
  clearTimeout(timer);
}
