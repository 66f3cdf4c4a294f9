import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc16 } from '@streamfold/core';
import { createPublisher } from '@streamfold/publisher';
import { planMoves, type NodeShards } from '@streamfold/redis';
import { test } from '../harness/ava.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { startCluster } from '../harness/start-cluster.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { signalSent } from '../publisher/signal-sent.ts';

/** The number of hash slots of a Cluster. */
const SLOTS = 16_384;

/** How many of the shards fall on each of equal nodes, as `redis-cli --cluster create` makes them. */
function countByNode(shards: number, nodes: number): number[] {
  const counts = new Array<number>(nodes).fill(0);
  for (let shard = 0; shard < shards; shard++) {
    const slot = crc16(String(shard)) % SLOTS; // of the hash tag
    const node = Math.min(Math.floor((slot + 0.5) / (SLOTS / nodes)), nodes - 1);
    counts[node] = (counts[node] ?? 0) + 1;
  }
  return counts;
}

test('the numbers of shards that the documentation recommends for equal nodes spread as it says', async (t) => {
  const page = await readFile('docs/operating.md', 'utf8');
  const rows = [...page.matchAll(/^\| (\d+) \| (\d+(?:, \d+)*) \| at most (\d+) %/gm)];
  t.true(rows.length >= 5);
  for (const [, nodes, recommended = '', percent] of rows)
    for (const shards of recommended.split(', ').map(Number)) {
      const most = Math.max(...countByNode(shards, Number(nodes)));
      const more = 100 * (most / (shards / Number(nodes)) - 1);
      t.true(more <= Number(percent), `${shards} shards on ${nodes} nodes: ${most} on one, ${more} % more`);
    }
});

interface Doctor {
  readonly findings: readonly { verdict: string; what: string; text: string; commands?: string[] }[];
}

function nodesWith(...counts: readonly number[]): NodeShards[] {
  let shard = 0;
  return counts.map((count, at) => ({
    node: { id: `n${at}`, host: 'h', port: at },
    shards: Array.from({ length: count }, () => ({ shard, slot: 100 * shard++ })),
  }));
}

/** The moves between nodes that hold so many shards. */
function plan(...counts: readonly number[]): string[] {
  return planMoves(nodesWith(...counts)).map(({ from, to }) => `${from.id}>${to.id}`);
}

test('the planned moves are the fewest after which no node has two shards more than another', (t) => {
  t.deepEqual(plan(0, 2, 1), ['n1>n0']);
  t.deepEqual(plan(6, 0, 0), ['n0>n2', 'n0>n1', 'n0>n1', 'n0>n2']);
  t.deepEqual(plan(2, 2, 3), []);
  t.deepEqual(plan(1, 0, 0), []);
  t.deepEqual(plan(4), []);
});

test('doctor warns of a node with more shards than its share, and the printed commands move them', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.stop);
  const args = ['--redis', cluster.url, '--shards', '3'];
  const publisher = createPublisher({ redisUrl: cluster.url, shards: 3 });
  const events = Array.from({ length: 300 }, (_, number) => signalSent(number, { swarm_id: `s${number}` }));
  const { entryIds } = await publisher.append(events);
  t.true(entryIds.length >= 3);
  await publisher.close();
  const readFinding = async () => {
    const { stdout } = await runStreamfold(['doctor', ...args, '--json']);
    return (JSON.parse(stdout) as Doctor).findings.find(({ what }) => what === 'shards on nodes');
  };

  const found = await readFinding();
  const [first, second, third] = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`);
  t.is(found?.verdict, 'warn');
  t.is(
    found?.text,
    `${first} has no shard; ${second} has shards 1, 2; ${third} has shard 0. Each node would need to hold no more than 1: these commands spread the load`,
  );
  const { stdout } = await runStreamfold(['doctor', ...args]);
  t.true(stdout.includes(`\n      ${found?.commands?.[0]}\n`));

  await runInShell(t, found?.commands ?? []);
  await waitUntil('all nodes know it', async () => (await readFinding())?.verdict === 'ok');
  t.is((await readFinding())?.text, `${first} has shard 2; ${second} has shard 1; ${third} has shard 0`);
  const status = await runStreamfold(['status', ...args]);
  t.is(status.code, 0);
  t.regex(
    status.stdout,
    new RegExp(`^shard 2\n  node +${first}\n  stream +streamfold:\\{2\\}:events, \\d+`, 'm'),
  );
  const json = await runStreamfold(['status', ...args, '--json']);
  const { shards } = JSON.parse(json.stdout) as { shards: { node: string; streamEntries: number }[] };
  t.deepEqual(
    shards.map(({ node }) => node),
    [third, second, first],
  );
  t.true(shards.every(({ streamEntries }) => streamEntries > 0));
});

/** Runs commands one after the other, as an operator who pastes them. */
async function runInShell(
  t: {
    teardown(end: () => Promise<void>): void;
    is(actual: unknown, expected: unknown, message?: string): void;
  },
  commands: readonly string[],
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-redis-cli-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const program = join(directory, 'redis-cli');
  const client = fileURLToPath(new URL('../harness/redis-cli.js', import.meta.url));
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${client}" "$@"\n`);
  await chmod(program, 0o755);
  const shell = spawn('sh', ['-e'], {
    env: { ...process.env, PATH: `${directory}${delimiter}${process.env['PATH']}` },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let errors = '';
  shell.stderr.on('data', (chunk) => (errors += String(chunk)));
  shell.stdout.resume();
  shell.stdin.end(commands.join('\n'));
  const [code] = (await once(shell, 'close')) as [number];
  t.is(code, 0, errors);
}
