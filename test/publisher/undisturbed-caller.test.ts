import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from '../harness/ava.ts';
import { startRedis } from '../harness/start-redis.ts';
import { openPublisher } from './open-publisher.ts';
import { signalSent } from './signal-sent.ts';

const run = promisify(execFile);

const server = await startRedis();
test.after.always(() => server.stop());

test('an observer that throws disturbs nothing: its error is an uncaught exception', async (t) => {
  const program = fileURLToPath(new URL('publish-with-throwing-observer.js', import.meta.url));
  const { stdout } = await run(process.execPath, [program, server.url]);
  t.deepEqual(JSON.parse(stdout), {
    published: 2,
    duplicates: 1,
    invalid: 1,
    uncaught: ['connected', 'invalid', 'published', 'duplicate'],
  });
});

test('publish never throws, whatever its argument', async (t) => {
  const { publisher } = openPublisher(server.redis, { url: server.url });
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('hands off');
      },
    },
  );
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const values: readonly unknown[] = [
    Symbol('s'),
    10n,
    NaN,
    -0,
    Infinity,
    true,
    () => 1,
    Object.create(null),
    hostile,
    circular,
  ];
  for (const value of values) {
    t.is(publisher.publish(value as never).status, 'invalid');
    for (const field of ['type', 'v', 'swarm_id', 'id', 'note']) {
      const outcome = publisher.publish({ ...signalSent(1), [field]: value });
      if (typeof value !== 'number') t.is(outcome.status, 'invalid', `${field}: ${typeof value}`);
    }
  }
  const throwing = Object.defineProperty({ ...signalSent(1) }, 'note', {
    enumerable: true,
    get() {
      throw new Error('not now');
    },
  });
  t.like(publisher.publish(throwing), { status: 'invalid', reason: 'invalid_field' });
  await publisher.close();
});
