import {
  describeStateLoss,
  readRegistry,
  readStatus,
  type RegisteredGeneration,
  type ShardStatus,
} from '@streamfold/aggregator';
import {
  askAll,
  listShards,
  readShardNodes,
  type Installation,
  type RedisConnection,
} from '@streamfold/redis';
import { count } from '../count.ts';
import type { Command, ExitCode } from '../environment.ts';
import { withRedis } from '../with-redis.ts';

/** Shards read at a time: each takes the memory of its whole state. */
const SHARDS_AT_ONCE = 16;

/** Shows streams, generations, consumers, lag, dead letters and coordinators. Changes nothing. */
export const status: Command = async ({ configuration, print }) =>
  withRedis(
    configuration,
    async (redis): Promise<ExitCode> => {
      const { prefix, shards, json } = configuration;
      const statuses = await askAll(
        listShards(configuration),
        (shard) => readStatus(redis, shard),
        SHARDS_AT_ONCE,
      );
      const nodes = await readNodes(redis, configuration);
      const { live = null, generations } = await readRegistry(redis, prefix);
      const others = [...generations.values()].filter(({ state }) => state !== 'live');
      if (json) print(JSON.stringify(listAll(statuses, { live, others, nodes }), null, 2));
      else for (const each of statuses) for (const line of describe(each, nodes.get(each.shard))) print(line);
      if (!json) for (const each of others) print(describeOther(each));
      if (!json && shards > 1) for (const line of describeAll(statuses)) print(line);
      return 0;
    },
    { shardCount: 'compare' },
  );

/** The node that holds each shard, by the number of the shard; empty if there is no Cluster. */
async function readNodes(
  redis: RedisConnection,
  installation: Installation,
): Promise<ReadonlyMap<number, string>> {
  if (!('nodes' in redis)) return new Map();
  const nodes = await readShardNodes(redis, installation);
  return new Map(
    nodes.flatMap(({ node: { host, port }, shards }) =>
      shards.map(({ shard }) => [shard, `${host}:${port}`] as const),
    ),
  );
}

/** `generations` is the earlier name of `otherGenerations`. */
function listAll(
  statuses: readonly ShardStatus[],
  {
    live,
    others,
    nodes,
  }: {
    readonly live: string | null;
    readonly others: readonly RegisteredGeneration[];
    readonly nodes: ReadonlyMap<number, string>;
  },
): Record<string, unknown> {
  const otherGenerations = others.map(({ definitions: _definitions, ...generation }) => generation);
  return {
    shards: statuses.map((each) => toJson(each, nodes.get(each.shard))),
    liveGeneration: live,
    otherGenerations,
    generations: otherGenerations,
  };
}

/** Missing values are null, so that a reader of the JSON sees that they were looked up. */
function toJson(shard: ShardStatus, node: string | null = null): Record<string, unknown> {
  const { archived = null, archiveStop = null, stateLoss = null, generation = null } = shard;
  return { ...shard, node, archived, archiveStop, stateLoss, generation };
}

/** A generation that is not live: a rebuild is building it, or has replaced it. */
function describeOther({ id, state, stage, replaces }: RegisteredGeneration): string {
  const from = stage === undefined ? '' : `, from the ${stage}`;
  const instead = state === 'building' && replaces !== undefined ? `, will replace ${replaces}` : '';
  return `generation ${id} is ${state}${from}${instead}`;
}

/** Sums over all shards. */
function describeAll(statuses: readonly ShardStatus[]): string[] {
  const sum = (read: (shard: ShardStatus) => number): number =>
    statuses.reduce((total, each) => total + read(each), 0);
  const lag = sum(({ generation }) => generation?.lag.lagEntries ?? 0);
  const pending = sum(({ generation }) => generation?.lag.pendingEntries ?? 0);
  const alive = (how: 'active' | 'blocked' | 'stale'): string =>
    `${sum(({ generation }) => generation?.coordinators[how] ?? 0)} ${how}`;
  return [
    'all shards',
    row(
      'streams',
      count(
        sum(({ streamEntries }) => streamEntries),
        'entry',
        'entries',
      ),
    ),
    row('lag', `${count(lag, 'entry', 'entries')}, of these ${pending} pending`),
    row('dead letters', String(sum(({ deadLetters }) => deadLetters))),
    row('coordinators', `${alive('active')}, ${alive('blocked')}, ${alive('stale')}`),
  ];
}

function describe(
  { shard, stream, streamEntries, deadLetters, archived, archiveStop, stateLoss, generation }: ShardStatus,
  node: string | undefined,
): string[] {
  const lines = [`shard ${shard}`, ...(node === undefined ? [] : [row('node', node)])];
  lines.push(row('stream', `${stream}, ${count(streamEntries, 'entry', 'entries')}`));
  if (archived !== undefined) {
    const { lastId, sequence } = archived;
    lines.push(row('archived', `to ${lastId}, ${count(sequence, 'segment', 'segments')}`));
  }
  if (archiveStop !== undefined) {
    lines.push(row('archive stopped', `${archiveStop.reason}: ${archiveStop.detail}`));
  }
  if (stateLoss !== undefined) lines.push(row('state lost', describeStateLoss(stateLoss)));
  if (generation === undefined) {
    return [
      ...lines,
      row('generation', 'none yet: no aggregator has run'),
      row('dead letters', String(deadLetters)),
    ];
  }
  const { lag, coordinators } = generation;
  const oldest =
    lag.oldestUnfolded === undefined ? 'none' : `${lag.oldestUnfolded}, ${lag.lagSeconds.toFixed(1)} s old`;
  return [
    ...lines,
    row('generation', `${generation.id}, group ${generation.group}`),
    row('folded', `${count(generation.events, 'event', 'events')}, ${generation.series} series`),
    row('lag', `${count(lag.lagEntries, 'entry', 'entries')}, of these ${lag.pendingEntries} pending`),
    row('oldest unfolded', oldest),
    row('lost', count(generation.lostEntries, 'entry', 'entries')),
    row('dead letters', String(deadLetters)),
    row(
      'coordinators',
      `${coordinators.active} active, ${coordinators.blocked} blocked, ${coordinators.stale} stale`,
    ),
    row('open waits', String(generation.openWaits)),
    row('delta log', count(generation.deltaLogRecords, 'record', 'records')),
    row('consumers', generation.consumers.length === 0 ? 'none' : ''),
    ...generation.consumers.map(
      ({ name, pending, idleMs }) =>
        `    ${name}  ${pending} pending, seen ${(idleMs / 1_000).toFixed(1)} s ago`,
    ),
  ];
}

function row(name: string, value: string): string {
  return `  ${name.padEnd(16)} ${value}`.trimEnd();
}
