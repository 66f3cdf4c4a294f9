import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';

/** A program of `contender/` in its own process. */
export interface ContenderProcess {
  /** Lets the program start its work. */
  start(): void;
  /** The program's report about itself, once it has arrived. */
  told(type: 'listening' | 'done'): Promise<Readonly<Record<string, unknown>>>;
  /** User and system time so far, ms; NaN on systems other than Linux, which do not report it. */
  readCpuMs(): number;
  /** CPU time of the main thread so far, ms: what the process does for garbage collection in other threads is not in it. */
  readMainThreadMs(): number;
  /** Resident memory now, MiB. */
  readResidentMib(): number;
  /** The most resident memory since the start or the last `forgetPeak`, MiB. */
  readPeakMib(): number;
  forgetPeak(): void;
  /** Stops the process until `resume`, as if it were not scheduled. */
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
}

const TOLD_DEADLINE_MS = 120_000;
/** A clock tick of /proc. */
const TICK_MS = 10;

/** Starts a program, and resolves when it is loaded and waits for `start`. */
export async function launchContender(program: string, args: readonly string[]): Promise<ContenderProcess> {
  const file = new URL(`./${program}.js`, import.meta.url);
  const child = fork(file, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const contender = superviseContender(child, () => void child.send('start'));
  await once(child, 'message');
  return contender;
}

/** Follows a program whose reports are `message` events. */
export function superviseContender(child: ChildProcess, start: () => void): ContenderProcess {
  const said = new Map<string, Readonly<Record<string, unknown>>>();
  child.on('message', (message) => {
    const fields = message as Readonly<Record<string, unknown>>;
    said.set(String(fields['type']), fields);
  });
  return {
    start,
    async told(type) {
      const deadline = AbortSignal.timeout(TOLD_DEADLINE_MS);
      for (;;) {
        const fields = said.get(type);
        if (fields !== undefined) return fields;
        await once(child, 'message', { signal: deadline });
      }
    },
    readCpuMs() {
      try {
        const fields =
          readFileSync(`/proc/${child.pid ?? 0}/stat`, 'utf8')
            .split(') ')[1]
            ?.split(' ') ?? [];
        return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
      } catch {
        return Number.NaN;
      }
    },
    readMainThreadMs() {
      const pid = child.pid ?? 0;
      const [runNanos = ''] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
      return Number(runNanos) / 1e6;
    },
    readResidentMib: () => readStatusMib(child.pid, 'VmRSS'),
    readPeakMib: () => readStatusMib(child.pid, 'VmHWM'),
    forgetPeak: () => writeFileSync(`/proc/${child.pid ?? 0}/clear_refs`, FORGET_PEAK),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What Linux resets when this is written to `clear_refs`. */
const FORGET_PEAK = '5';

function readStatusMib(pid: number | undefined, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1_024;
}
