import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { superviseContender, type ContenderProcess } from '../contender/contender-process.ts';

/** The file of a program of another language, which `buildPeers` has built. */
export function peerPath(program: string): string {
  return fileURLToPath(new URL(program, import.meta.url));
}

/** Starts it, and resolves when it is loaded and waits for `start`. It reports on its output, one line of JSON each time. */
export async function launchPeer(program: string, args: readonly string[]): Promise<ContenderProcess> {
  const child = spawn(peerPath(program), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  createInterface(child.stdout).on('line', (line) => child.emit('message', JSON.parse(line)));
  const contender = superviseContender(child, () => void child.stdin.write('start\n'));
  await once(child, 'message');
  return contender;
}
