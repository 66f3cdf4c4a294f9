import { execFile } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test, type ExecutionContext } from './ava.ts';
import type { PrivateRedisOptions } from '@streamfold/private-servers';
import { startRedis, type TestRedis } from './start-redis.ts';

/** A private Redis whose wall clock can be stepped while it runs. */
export interface SteppedRedis extends TestRedis {
  /** From now on the clock of Redis is ahead of the true time by this, ms; behind it if negative. */
  shiftClock(ms: number): void;
  /** From now on the clock of Redis stands at this time, ms since 1970. A blocking read with a time-out then never ends. */
  stopClock(atMs: number): void;
}

const SOURCE = fileURLToPath(new URL('../../harness/shifted-clock.c', import.meta.url));

/** Compiles the library that Redis is started with. @throws if there is no C compiler for Linux. */
async function buildClock(directory: string): Promise<string> {
  if (process.platform !== 'linux') throw new Error('the clock of a process can only be stepped on Linux');
  const library = join(directory, 'shifted-clock.so');
  try {
    await promisify(execFile)('cc', ['-shared', '-fPIC', '-O2', '-o', library, SOURCE]);
  } catch (cause) {
    throw new Error('stepping the clock of Redis needs a C compiler, cc', { cause });
  }
  return library;
}

/** Why the clock of Redis cannot be stepped on this machine; `undefined` if it can. */
export const clockObstacle = await findObstacle();

async function findObstacle(): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-clock-'));
  try {
    await buildClock(directory);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A test that steps the clock of Redis; reported as skipped, with the reason, on a machine on which that cannot be done. */
export function testWithClock(title: string, implementation: (t: ExecutionContext) => Promise<void>): void {
  if (clockObstacle === undefined) test(title, implementation);
  else test.skip(`${title} (skipped: ${clockObstacle})`, implementation);
}

/** Starts a Redis whose clock is right at first. */
export async function startSteppedRedis(options: PrivateRedisOptions = {}): Promise<SteppedRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-clock-'));
  const library = await buildClock(directory);
  const clockFile = join(directory, 'shift-micros');
  const file = openSync(clockFile, 'w');
  const set = (running: 0n | 1n, ms: number): void => {
    // As native integers of the machine, in one write: Redis maps the file.
    const setting = new Uint8Array(BigInt64Array.of(running, BigInt(ms) * 1_000n).buffer);
    writeSync(file, setting, 0, setting.length, 0);
  };
  set(1n, 0);
  const server = await startRedis({
    ...options,
    environment: { ...options.environment, LD_PRELOAD: library, STREAMFOLD_TEST_CLOCK_FILE: clockFile },
  });
  return {
    ...server,
    get pid() {
      return server.pid;
    },
    shiftClock: (ms) => set(1n, ms),
    stopClock: (atMs) => set(0n, atMs),
    async stop() {
      await server.stop();
      closeSync(file);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
