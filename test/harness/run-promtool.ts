import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { promtoolPath } from '@streamfold/private-servers';

/** Runs `promtool ARGS`; returns its exit code and its output, line by line. */
export async function runPromtool(
  args: readonly string[],
  input = '',
): Promise<{ code: number | null; lines: string[] }> {
  const promtool = spawn(promtoolPath(), args, { env: { ...process.env, GOGC: '400' } }); // memory for less CPU
  promtool.stdin.on('error', ignoreUnread);
  promtool.stdin.end(input);
  const [stdout, stderr] = await Promise.all([
    text(promtool.stdout),
    text(promtool.stderr),
    once(promtool, 'close'),
  ]);
  return { code: promtool.exitCode, lines: `${stdout}${stderr}`.split('\n').filter((line) => line !== '') };
}

/** A promtool that ends without reading all of its input says why in its output. */
function ignoreUnread(): void {}
