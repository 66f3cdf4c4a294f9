import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { test, type ExecutionContext } from '../harness/ava.ts';
import { listDescendants, waitUntilGone } from '../harness/process-state.ts';
import { PROGRAM } from '../harness/run-streamfold.ts';
import { waitUntil } from '../harness/wait-until.ts';

/** A guard and the Redis that it guards, two aggregators, and ten coordinators. */
const DEMO_DESCENDANTS = 14;
/** Ctrl-C ends the demo at once: on a free machine within this time, on a busy one later. */
const AT_ONCE_MS = 10_000;

type Child = ChildProcessByStdio<null, Readable, null>;

/** Starts a program as a shell does: in its own process group, which Ctrl-C signals as a whole. */
function start(t: ExecutionContext, args: readonly string[]): Child {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function readUntil(child: Child, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (pattern.test(text)) break;
  }
  child.stdout.resume();
  return text;
}

function pressCtrlC({ pid = 0 }: Child): void {
  process.kill(-pid, 'SIGINT');
}

test('a private Redis and its directory are gone when the process that started it is killed', async (t) => {
  const child = start(t, [fileURLToPath(new URL('hold-private-redis.js', import.meta.url))]);
  const { pid, directory } = JSON.parse(await readUntil(child, /\n/)) as { pid: number; directory: string };
  t.true((await listDescendants(child.pid ?? 0)).includes(pid));
  t.true(existsSync(directory));
  child.kill('SIGKILL');
  await waitUntilGone(pid);
  await waitUntil(`${directory} is removed`, () => !existsSync(directory));
  t.pass();
});

test('Ctrl-C while the demo is starting ends it and everything it started', async (t) => {
  const child = start(t, [PROGRAM, 'demo', '--port', '0']);
  let descendants: readonly number[] = [];
  await waitUntil('its Redis runs', async () => {
    descendants = await listDescendants(child.pid ?? 0);
    return descendants.length >= 2;
  });
  const exited = once(child, 'exit');
  pressCtrlC(child);
  const seen = new Set(descendants);
  const hasEnded = async (): Promise<boolean> => {
    for (const pid of await listDescendants(child.pid ?? 0)) seen.add(pid);
    return child.exitCode !== null || child.signalCode !== null;
  };
  await waitUntil('the demo has ended', hasEnded, AT_ONCE_MS);
  t.deepEqual(await exited, [0, null]);
  for (const pid of seen) await waitUntilGone(pid);
});

test('a demo that is killed leaves nothing running', async (t) => {
  const child = start(t, [PROGRAM, 'demo', '--port', '0']);
  await readUntil(child, /folded/);
  const descendants = await listDescendants(child.pid ?? 0);
  t.is(descendants.length, DEMO_DESCENDANTS);
  child.kill('SIGKILL');
  for (const pid of descendants) await waitUntilGone(pid);
});
