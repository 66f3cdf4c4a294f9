import { test } from '../harness/ava.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const PROGRAM = `
import { createDeflater } from '@streamfold/aggregator/round-trips';
const serving = setInterval(() => undefined, 1_000);
await createDeflater().deflate([new Uint8Array(1_000)]);
clearInterval(serving);
`;

test('the thread that compresses does not keep a process running', async (t) => {
  const program = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 60_000, // the thread would end itself only after two minutes
  });
  const [code] = (await once(program, 'exit')) as [number | null];
  t.is(code, 0);
});
