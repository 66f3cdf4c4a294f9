import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { constants, getPriority } from 'node:os';
import { test } from '../harness/ava.ts';
import { startStreamfold } from '../harness/start-streamfold.ts';

const OWN = getPriority();
const LOWER = Math.max(OWN, constants.priority.PRIORITY_BELOW_NORMAL);

for (const [command, priority] of [
  ['rebuild', LOWER],
  ['verify', LOWER],
  ['backfill', LOWER],
  ['status', OWN],
] as const) {
  const title =
    command === 'status'
      ? 'a command that does not fold the log keeps the priority with which it was started'
      : `${command} leaves the processor to live folding: it runs at a lower priority`;
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
