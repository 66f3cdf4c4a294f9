import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { waitUntil } from './wait-until.ts';

const run = promisify(execFile);

/** State of a process as `ps` tells it, such as `S`, `T` (stopped) or `Z` (ended, not waited for); `undefined` where it is gone. */
export async function readProcessState(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'stat=', '-p', String(pid)]);
    return stdout.trim();
  } catch {
    return undefined;
  }
}

/** Resolves once SIGSTOP has stopped a process: the signal takes effect a little after it was sent. */
export async function waitUntilStopped(pid: number): Promise<void> {
  await waitUntil(
    `process ${pid} is stopped`,
    async () => (await readProcessState(pid))?.startsWith('T') === true,
  );
}

/** Resolves once a process is gone, or has ended and is only waiting for its parent to notice. */
export async function waitUntilGone(pid: number): Promise<void> {
  await waitUntil(`process ${pid} is gone`, async () => {
    const state = await readProcessState(pid);
    return state === undefined || state.startsWith('Z');
  });
}
