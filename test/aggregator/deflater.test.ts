import { compressExposition } from '@streamfold/aggregator/round-trips';
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

test('if the thread that compresses ends in the middle of an exposition, only that answer fails', async (t) => {
  const page = Buffer.alloc(1024 * 1024);
  const parts = Array.from({ length: 6 }, () => ({ bytes: page, room: page, lent: 1, deflated: undefined }));
  const calls: ((error: Error) => void)[] = [];
  const ending = {
    deflate: () => new Promise<never>((_, reject) => calls.push(reject)),
  };
  const compressed = compressExposition({ parts, byteLength: 6 * page.length }, ending);
  t.is(calls.length, 4);
  for (const reject of calls) reject(new Error('the thread has ended'));
  await t.throwsAsync(compressed, { message: 'the thread has ended' });
  await new Promise(setImmediate); // a rejection that nobody handles would end this process by now
});
