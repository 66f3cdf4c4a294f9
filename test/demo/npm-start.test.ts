import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from '../harness/ava.ts';
import { cleanEnvironment } from '../harness/run-streamfold.ts';
import { waitUntil } from '../harness/wait-until.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

test('Ctrl-C under npm start, which the terminal and npm both deliver, ends the demo with its closing line and exit code 0', async (t) => {
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
  signalGroup('SIGINT');
  // As npm forwards it; only some versions of npm do.
  setTimeout(() => demo.exitCode ?? signalGroup('SIGINT'), 20);
  await ended;
  t.is(demo.exitCode, 0, output);
  t.regex(output, /^stopped: [\d,]+ events folded, lag 0$/m);
});
