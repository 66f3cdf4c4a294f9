import { test } from '../harness/ava.ts';
import { ensureLibrary, LIBRARY } from '@streamfold/coordination';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startRedis, type TestRedis } from '../harness/start-redis.ts';
import { withSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { loadEarlierLibrary } from './earlier-library.ts';

const BUILD = /return '(\d+) ([0-9a-f]{12})'/;
const [, build = '', digest = ''] = BUILD.exec(LIBRARY) ?? [];
const OWN = `${build} ${digest}`;

/** Another edition of the library, whose change_phase replies to every life that it has ended. */
function makeEdition(reply: string): string {
  return LIBRARY.replace(BUILD, `return '${reply}'`).replace("return 'changed'", "return 'ended'");
}

const EDITIONS = {
  'of a lower build': makeEdition(`${Number(build) - 1} ${digest}`),
  'of the same build and another digest': makeEdition(`${build} 0123456789ab`),
  'that tells no build': makeEdition('').replace(/redis\.register_function\{[^}]*\}[^}]*\}/, ''),
};

async function withServer(body: (server: TestRedis) => Promise<void>): Promise<void> {
  const server = await startRedis();
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}

const readBuild = (server: TestRedis): Promise<unknown> =>
  server.redis.call('FCALL', 'streamfold_2_build', 0).catch(String);

test('a coordinator that joins replaces an earlier library, and its own Lua runs', async (t) => {
  await withServer(async (server) => {
    for (const [which, edition] of Object.entries(EDITIONS)) {
      await server.redis.call('FUNCTION', 'LOAD', 'REPLACE', edition);
      t.not(await readBuild(server), OWN, which);
      await withSwarm(server, async (swarm) => {
        const ada = await swarm.join('ada');
        t.is(await readBuild(server), OWN, which);
        await t.notThrowsAsync(ada.changePhase('x'), which);
      });
    }
  });
});

test('an aggregator replaces an earlier library when its monitor begins', async (t) => {
  await withServer(async (server) => {
    await server.redis.call('FUNCTION', 'LOAD', EDITIONS['of a lower build']);
    const aggregator = await startAggregator({ redisUrl: server.url });
    try {
      await waitUntil('it is replaced', async () => (await readBuild(server)) === OWN);
      t.pass();
    } finally {
      await aggregator.stop();
    }
  });
});

test('a later library stays when a program with an earlier one starts', async (t) => {
  await withServer(async (server) => {
    const later = `${Number(build) + 1} 0123456789ab`;
    await server.redis.call('FUNCTION', 'LOAD', LIBRARY.replace(BUILD, `return '${later}'`));
    await withSwarm(server, async (swarm) => {
      await (await swarm.join('ada')).changePhase('x');
      await ensureLibrary(server.redis);
      t.is(await readBuild(server), later);
    });
  });
});

test('many programs that find an earlier library, or none, end up with their own', async (t) => {
  await withServer(async (server) => {
    for (const edition of [undefined, ...Object.values(EDITIONS)]) {
      await server.redis.call('FUNCTION', 'FLUSH');
      if (edition !== undefined) await server.redis.call('FUNCTION', 'LOAD', edition);
      await Promise.all(Array.from({ length: 20 }, () => ensureLibrary(server.redis)));
      t.is(await readBuild(server), OWN);
    }
  });
});

test('a user who may not load the library works with the loaded one', async (t) => {
  await withServer(async (server) => {
    const user = ['on', '>secret', '~*', '&*', '+@all', '-function'];
    await server.redis.call('ACL', 'SETUSER', 'plain', ...user);
    const url = `redis://plain:secret@127.0.0.1:${server.port}`;
    for (const edition of [LIBRARY, LIBRARY.replace(BUILD, "return '0 0123456789ab'")]) {
      await server.redis.call('FUNCTION', 'LOAD', 'REPLACE', edition);
      await withSwarm(server, async (swarm) => {
        await (await swarm.join('ada', { url })).changePhase('x');
        t.is((await swarm.events()).length, 2);
      });
    }
    await server.redis.call('FUNCTION', 'FLUSH');
    await withSwarm(server, async (swarm) => {
      await t.throwsAsync(swarm.join('ada', { url }), { message: /^NOPERM/ });
    });
  });
});

test('a user who may not load functions calls those of interface 1 until interface 2 is loaded', async (t) => {
  await withServer(async (server) => {
    const user = ['on', '>secret', '~*', '&*', '+@all', '-function'];
    await server.redis.call('ACL', 'SETUSER', 'plain', ...user);
    const url = `redis://plain:secret@127.0.0.1:${server.port}`;
    await loadEarlierLibrary(server.redis);
    await withSwarm(server, async (swarm) => {
      const ada = await swarm.join('ada', { url });
      await ada.changePhase('x');
      await ensureLibrary(server.redis);
      await ada.changePhase('y');
      await server.redis.call('FUNCTION', 'DELETE', 'streamfold_coordination_1');
      await ada.changePhase('z');
      t.is((await swarm.events()).length, 4);
    });
  });
});
