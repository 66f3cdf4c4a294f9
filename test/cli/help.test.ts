import { test } from '../harness/ava.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { startStreamfold } from '../harness/start-streamfold.ts';

/** Prints the URL of each loaded module. */
const HOOK = `import { writeSync } from 'node:fs';
export async function load(url, context, next) {
  writeSync(2, url + '\\n');
  return next(url, context);
}`;
const REGISTER = `import { register } from 'node:module'; register(${JSON.stringify(toDataUrl(HOOK))});`;

function toDataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

/** The packages that a run of the program loads. */
async function listLoaded(args: readonly string[]): Promise<string[]> {
  const env = { NODE_OPTIONS: `--import ${toDataUrl(REGISTER)}` };
  const { code, stderr } = await startStreamfold(args, { env }).ended;
  if (code !== 0) throw new Error(`expected exit code 0; got ${code}: ${stderr}`);
  const packages = stderr.matchAll(/^file:\S+?(?:\/node_modules\/(?:\.pnpm\/)?|\/packages\/)([\w.-]+)/gm);
  return [...new Set([...packages].map(([, name = '']) => name.replace(/@.*/, '')))].toSorted();
}

for (const args of [['--help'], ['serve', '--help'], ['dead-letters', 'retry', '--help'], ['--version']]) {
  test(`streamfold ${args.join(' ')} loads only the command line: no parser, no Redis client, no events, no metrics`, async (t) => {
    t.deepEqual(await listLoaded(args), ['cli', 'commander']);
  });
}

test('streamfold publish --help lists the event types, and loads no Redis client for it', async (t) => {
  const { stdout } = await runStreamfold(['publish', '--help']);
  t.regex(stdout, /^ {2}signal\.sent +swarm_id sender_id /m);
  t.is((await runStreamfold(['help', 'publish'])).stdout, stdout);
  t.false((await listLoaded(['publish', '--help'])).includes('ioredis'));
});
