import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { getPriority } from 'node:os';
import { test } from '../harness/ava.ts';
import { startStreamfold } from '../harness/start-streamfold.ts';

const OWN = getPriority();
const LOWER = Math.max(OWN, 5);

for (const [title, command, priority] of [
  ['a rebuild leaves the processor to live folding: it runs at a lower priority', 'rebuild', LOWER],
  ['a command that folds no log keeps the priority with which it was started', 'status', OWN],
] as const) {
  test(title, async (t) => {
    const mute = createServer().listen(0, '127.0.0.1'); // accepts connections and never replies
    t.teardown(() => mute.close());
    await once(mute, 'listening');
    const { port } = mute.address() as AddressInfo;
    const program = startStreamfold([command, '--redis', `redis://127.0.0.1:${port}`]);
    await once(mute, 'connection'); // it has started
    t.is(getPriority(program.pid), priority);
    program.kill('SIGKILL');
    await program.ended;
  });
}
