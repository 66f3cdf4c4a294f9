import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from '../harness/ava.ts';
import { startStreamfold } from '../harness/start-streamfold.ts';

for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`one ${signal} ends a command that waits for Redis, with exit code ${exitCode}`, async (t) => {
    const mute = createServer().listen(0, '127.0.0.1'); // accepts connections and never replies
    t.teardown(() => mute.close());
    await once(mute, 'listening');
    const { port } = mute.address() as AddressInfo;
    const status = startStreamfold(['status', '--redis', `redis://127.0.0.1:${port}`]);
    await once(mute, 'connection');
    status.kill(signal);
    t.like(await status.ended, { code: exitCode, stdout: '', stderr: '' });
  });
}
