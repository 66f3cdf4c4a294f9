import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from '../harness/ava.ts';
import { listDescendants, waitUntilGone } from '../harness/process-state.ts';
import { cleanEnvironment } from '../harness/run-streamfold.ts';
import { waitUntil } from '../harness/wait-until.ts';

/** The demo itself, a guard and the Redis that it guards, two aggregators, and ten coordinators. */
const DEMO_PROCESSES = 15;
/** Ctrl-C ends the demo at once; the rest of the time is for npm. */
const AT_ONCE_MS = 10_000;
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

test('Ctrl-C under npm start, which the terminal and npm both deliver, ends the demo and everything it started, at once, with its closing line and exit code 0', async (t) => {
  const demo = spawn('npm', ['start', '--', '--port', '0'], {
    cwd: ROOT,
    env: cleanEnvironment(),
    detached: true, // a process group of its own, as a shell gives one
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const signalGroup = (signal: NodeJS.Signals): boolean => process.kill(-(demo.pid ?? 0), signal);
  let output = '';
  demo.stdout.on('data', (chunk) => (output += String(chunk)));
  demo.stderr.on('data', (chunk) => (output += String(chunk)));
  const ended = once(demo, 'close');
  t.teardown(() => demo.exitCode ?? signalGroup('SIGKILL'));
  await waitUntil('events to be shown', () => /\d events folded/.test(output), 120_000);
  const descendants = await listDescendants(demo.pid ?? 0);
  t.true(descendants.length >= DEMO_PROCESSES, `${descendants.length} processes`);
  signalGroup('SIGINT');
  // As npm forwards it; only some versions of npm do.
  setTimeout(() => demo.exitCode ?? signalGroup('SIGINT'), 20);
  await waitUntil('npm has ended', () => demo.exitCode !== null || demo.signalCode !== null, AT_ONCE_MS);
  for (const pid of descendants) await waitUntilGone(pid);
  await ended;
  t.is(demo.exitCode, 0, output);
  t.regex(output, /^stopped: [\d,]+ events folded, lag 0$/m);
});
