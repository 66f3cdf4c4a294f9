import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { waitUntil } from './wait-until.ts';

const run = promisify(execFile);

/** A process of this machine. */
interface SeenProcess {
  readonly pid: number;
  readonly parentPid: number;
  /** First letter of its state as `ps` shows it: `T` is stopped, `Z` has ended and was not waited for. */
  readonly state: string;
}

/** Process IDs of all descendants of `pid`, without those that have ended. */
export async function listDescendants(pid: number): Promise<number[]> {
  const processes = (await listProcesses()).filter(({ state }) => state !== 'Z');
  const found: number[] = [];
  const parents = [pid];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    const children = processes.filter(({ parentPid }) => parentPid === parent).map((child) => child.pid);
    found.push(...children);
    parents.push(...children);
  }
  return found;
}

/** Resolves once SIGSTOP has stopped a process: the signal takes effect shortly after it was sent. */
export async function waitUntilStopped(pid: number): Promise<void> {
  await waitUntil(`process ${pid} is stopped`, async () => (await readProcessState(pid)) === 'T');
}

/** Resolves once a process is gone, or has ended and only waits for its parent to notice. */
export async function waitUntilGone(pid: number): Promise<void> {
  await waitUntil(`process ${pid} is gone`, async () =>
    ['Z', undefined].includes(await readProcessState(pid)),
  );
}

async function readProcessState(pid: number): Promise<string | undefined> {
  if (HAS_PROC) return readStat(pid)?.state;
  return (await listProcesses()).find((each) => each.pid === pid)?.state;
}

const HAS_PROC = existsSync('/proc/self/stat');

async function listProcesses(): Promise<SeenProcess[]> {
  if (HAS_PROC) {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.flatMap((pid) => readStat(Number(pid)) ?? []);
  }
  const { stdout } = await run('ps', ['-axo', 'pid=,ppid=,stat=']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parentPid, state = ''] = line.trim().split(/\s+/);
      return { pid: Number(pid), parentPid: Number(parentPid), state: state.slice(0, 1) };
    });
}

/** `pid (name) state ppid …`; the name may hold anything. */
function readStat(pid: number): SeenProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parentPid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, parentPid: Number(parentPid), state };
  } catch {
    return undefined; // it is gone
  }
}
