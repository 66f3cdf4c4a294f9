import { openArchive } from '@streamfold/archive';
import { createMetricsHandler, runAggregator } from '@streamfold/aggregator';
import { createKeyRing, joinSwarm } from '@streamfold/coordination';
import { createPublisher } from '@streamfold/publisher';
import { ConfigurationError, connectRedis } from '@streamfold/redis';
import { test } from '../harness/ava.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { withSwarm } from '../harness/start-swarm.ts';

const server = await shareRedis();
test.after.always(server.stop);

/** Every public function with an option for the URL of Redis, called as from JavaScript: with anything. */
const FUNCTIONS: Readonly<Record<string, (options: unknown) => unknown>> = {
  createPublisher: (options) => createPublisher(options as never),
  joinSwarm: (options) => joinSwarm(options as never),
  runAggregator: (options) => runAggregator(options as never, AbortSignal.abort()),
  createMetricsHandler: (options) => createMetricsHandler(options as never),
};

const OTHERS = { swarmId: 's1', coordinatorId: 'c1', port: 0, observe: () => undefined };

test('every function accepts redisUrl, and url as another name for it', async (t) => {
  for (const [name, call] of Object.entries(FUNCTIONS)) {
    for (const where of [
      { redisUrl: server.url },
      { url: server.url },
      { redisUrl: server.url, url: server.url },
    ]) {
      const made = await call({ prefix: nextPrefix(), ...OTHERS, ...where });
      await (made as { close?(): Promise<unknown> } | undefined)?.close?.();
      (made as { disconnect?(): void } | undefined)?.disconnect?.();
      t.pass(name);
    }
  }
});

test('two different URLs of Redis are refused, without their passwords', async (t) => {
  for (const [name, call] of Object.entries(FUNCTIONS)) {
    await t.throwsAsync(
      async () => call({ ...OTHERS, redisUrl: 'redis://u:hush@one:1', url: 'redis://two:2' }),
      {
        instanceOf: ConfigurationError,
        message:
          'redisUrl, url: expected one of the two names of one option; got both, with different values: "redis://u:***@one:1" and "redis://two:2"',
      },
      name,
    );
  }
});

test('a function called without options, or without the URL, says which option is missing', async (t) => {
  for (const [name, call] of Object.entries(FUNCTIONS)) {
    const refusals: [given: unknown, message: RegExp][] = [
      [undefined, /^options: expected an object such as \{ redisUrl: … \}; got undefined$/],
      ['redis://h', /^options: expected an object such as \{ redisUrl: … \}; got a string$/],
      [{ ...OTHERS }, /^redisUrl: expected redis:\/\/host:port, .*; got undefined$/],
      [{ ...OTHERS, redisUrl: 'localhost' }, /^redisUrl: expected redis:\/\/host:port, .*; got "localhost"$/],
      [{ ...OTHERS, url: 6379 }, /^url: expected redis:\/\/host:port, .*; got 6379$/],
    ];
    for (const [given, message] of refusals) {
      await t.throwsAsync(async () => call(given), { instanceOf: ConfigurationError, message }, name);
    }
  }
});

test('an option that is out of bounds is refused by its name, with what was expected', async (t) => {
  const wrong: [options: object, message: string][] = [
    [{ shards: 'x' }, 'shards: expected a whole number from 1 to 1024; got "x"'],
    [{ shards: 0 }, 'shards: expected a whole number from 1 to 1024; got 0'],
    [{ prefix: 'a b' }, 'prefix: expected 1 to 128 characters without spaces or braces; got "a b"'],
    [{ role: 'leader' }, 'role: expected one of all, fold, serve; got "leader"'],
    [{ claimIdleMs: '5' }, 'claimIdleMs: expected a whole number of at least 0; got "5"'],
    [{ batchEntries: 0 }, 'batchEntries: expected a whole number of at least 1; got 0'],
  ];
  for (const [options, message] of wrong) {
    const given = { ...OTHERS, redisUrl: server.url, ...options } as never;
    await t.throwsAsync(runAggregator(given, AbortSignal.abort()), {
      instanceOf: ConfigurationError,
      message,
    });
    t.throws(() => createMetricsHandler(given), { instanceOf: ConfigurationError, message });
  }
  for (const [name, call] of Object.entries(FUNCTIONS)) {
    const given = { ...OTHERS, redisUrl: server.url, prefix: '{x}' };
    const message = 'prefix: expected 1 to 128 characters without spaces or braces; got "{x}"';
    await t.throwsAsync(async () => call(given), { instanceOf: ConfigurationError, message }, name);
  }
  t.throws(() => connectRedis(server.url, undefined as never), {
    instanceOf: ConfigurationError,
    message: 'options: expected an object such as { name: … }; got undefined',
  });
});

test('an aggregator refuses a stop signal that is none', async (t) => {
  await t.throwsAsync(runAggregator({ redisUrl: server.url, port: 0 }, 'stop' as never), {
    instanceOf: ConfigurationError,
    message: 'stop: expected an AbortSignal, or nothing; got stop',
  });
});

test('a coordinator says which argument is missing', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const sent = await ada.sendSignal(['ben'], 'plan');
    const calls: [call: () => unknown, message: RegExp][] = [
      [
        () => ada.waitForAcks(sent, undefined as never),
        /^options: expected an object such as \{ timeoutMs: … \}; got undefined$/,
      ],
      [
        () => ada.waitForAcks(sent, {} as never),
        /^timeoutMs: expected a whole number from 1 to 2147481647; got undefined$/,
      ],
      [
        () => ada.waitForAcks(undefined as never, { timeoutMs: 1 }),
        /^sent: expected an object such as \{ id: … \}; got undefined$/,
      ],
      [
        () => ada.startHeartbeat(undefined as never),
        /^options: expected an object such as \{ intervalMs: … \}; got undefined$/,
      ],
      [
        () => ada.startHeartbeat({} as never),
        /^intervalMs: expected a whole number from 10 to 86400000; got undefined$/,
      ],
      [
        () => ada.acknowledgeSignal(undefined as never),
        /^signal: expected an object such as \{ entryId: … \}; got undefined$/,
      ],
      [
        () => ada.settleSignal(undefined as never),
        /^signal: expected an object such as \{ entryId: … \}; got undefined$/,
      ],
      [
        () => ada.sendSignal(undefined as never, 'plan'),
        /^to: expected a list of coordinator ids; got undefined$/,
      ],
      [
        () => ada.sendSignal('ben' as never, 'plan'),
        /^to: expected a list of coordinator ids; got a string$/,
      ],
    ];
    for (const [call, message] of calls) {
      await t.throwsAsync(async () => call(), { instanceOf: ConfigurationError, message });
    }
  });
});

test('keys and an archive that are missing are named', async (t) => {
  t.throws(() => createKeyRing(undefined as never), {
    instanceOf: ConfigurationError,
    message: /^options: /,
  });
  t.throws(() => createKeyRing({} as never), {
    instanceOf: ConfigurationError,
    message: 'keys: expected a list such as [{ id: …, secret: … }]; got undefined',
  });
  await t.throwsAsync(openArchive(undefined as never), {
    instanceOf: ConfigurationError,
    message: 'archive: expected s3://bucket/prefix, file:///path or a path; got undefined',
  });
});
