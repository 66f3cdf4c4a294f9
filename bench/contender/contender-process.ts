import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** A program of `contender/` in its own process. */
export interface ContenderProcess {
  /** Lets the program start its work. */
  start(): void;
  /** The program's report about itself, once it has arrived. */
  told(type: 'listening' | 'done'): Promise<Readonly<Record<string, unknown>>>;
  /** User and system time so far, ms; NaN on systems other than Linux, which do not report it. */
  readCpuMs(): number;
  kill(): Promise<void>;
}

const TOLD_DEADLINE_MS = 120_000;
/** A clock tick of /proc. */
const TICK_MS = 10;

/** Starts a program, and resolves when it is loaded and waits for `start`. */
export async function launchContender(program: string, args: readonly string[]): Promise<ContenderProcess> {
  const file = new URL(`./${program}.js`, import.meta.url);
  const child = fork(file, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const said = new Map<string, Readonly<Record<string, unknown>>>();
  child.on('message', (message) => {
    const fields = message as Readonly<Record<string, unknown>>;
    said.set(String(fields['type']), fields);
  });
  await once(child, 'message');
  return {
    start: () => void child.send('start'),
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
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
