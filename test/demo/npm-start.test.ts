import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from '../harness/ava.ts';
import { once } from '../harness/once.ts';
import { listDescendants, waitUntilGone } from '../harness/process-state.ts';
import { startStreamfold, type RunningStreamfold } from '../harness/start-streamfold.ts';
import { waitUntil } from '../harness/wait-until.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COMMAND = ['npm', 'start', '--', '--port', '0'];
/** The `script` of util-linux gives a program a terminal. */
const HAS_TERMINAL = process.platform === 'linux' && existsSync('/usr/bin/script');
/** The demo itself, a guard and the Redis that it guards, two aggregators, and ten coordinators. */
const DEMO_PROCESSES = 15;
/** The summary in a terminal, and elsewhere. */
const SUMMARY = /running for|\d events folded/;
/** The set-up may have to install something. */
const SHOWN_MS = 120_000;
/** Ctrl-C ends the demo at once; the rest of the time is for npm. */
const AT_ONCE_MS = 10_000;

/** One run for all tests of this file, until Ctrl-C has ended it. */
const finished = once(async () => {
  const demo = start();
  try {
    await waitUntil('events to be shown', () => SUMMARY.test(demo.output()), SHOWN_MS);
    const processes = await listDescendants(demo.pid);
    pressCtrlC(demo);
    let isOver = false;
    void demo.ended.then(() => (isOver = true));
    await waitUntil('it has ended', () => isOver, AT_ONCE_MS);
    for (const pid of processes) await waitUntilGone(pid);
    const { code, stdout } = await demo.ended;
    return { code, stdout: stdout.replaceAll('\r', ''), processes: processes.length };
  } finally {
    demo.kill('SIGKILL');
  }
});

function start(): RunningStreamfold {
  if (!HAS_TERMINAL) return startStreamfold([], { command: COMMAND, cwd: ROOT, ownGroup: true });
  return startStreamfold(['-qec', `exec ${COMMAND.join(' ')}`, '/dev/null'], {
    command: ['script'],
    cwd: ROOT,
  });
}

/** As the terminal delivers it to npm and the demo; without one, to their group. */
function pressCtrlC(demo: RunningStreamfold): void {
  if (HAS_TERMINAL) return demo.write('\u0003');
  const signalGroup = (): boolean => process.kill(-demo.pid, 'SIGINT');
  signalGroup();
  // As npm forwards it; only some versions of npm do.
  let isOver = false;
  void demo.ended.then(() => (isOver = true));
  setTimeout(() => isOver || signalGroup(), 20);
}

test('Ctrl-C under npm start, which the terminal and npm both deliver, ends the demo and everything it started, at once, with its closing line and exit code 0', async (t) => {
  const { code, stdout, processes } = await finished();
  t.is(code, 0, stdout);
  t.true(processes >= DEMO_PROCESSES, `${processes} processes`);
  t.regex(stdout, /^stopped: [\d,]+ events folded, lag 0$/m);
});

if (HAS_TERMINAL) {
  test('in a terminal the summary is redrawn in place', async (t) => {
    t.regex((await finished()).stdout, /\[6A.\[J {2}running for/);
  });
}
