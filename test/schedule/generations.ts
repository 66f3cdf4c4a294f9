import {
  cancelRebuild,
  findGeneration,
  openGeneration,
  readRegistry,
  type Generation,
  type Registry,
} from '@streamfold/aggregator';
import {
  beginRebuild,
  createGroup,
  followStream,
  handOver,
  keepGenerations,
  switchGeneration,
} from '@streamfold/aggregator/round-trips';
import { generationKeys, shardKeys } from '@streamfold/redis';
import { checkPending, settleGeneration, takeFoldingStep } from './folding.ts';
import { beginGeneration, emptyShard } from './folding-model.ts';
import { drawGenerationStep, type GenerationStep } from './generation-steps.ts';
import type { Laboratory } from './laboratory.ts';
import { beginRun, PREFIX, type ShardRun } from './shard-run.ts';
import { expectSame, expectSameItems, ScheduleError, type Subject } from './subject.ts';

const INSTALLATION = { prefix: PREFIX, shards: 1 };
/** How long a retired generation is kept. */
const GRACE_MS = 1_000;
const { events, dead } = shardKeys({ prefix: PREFIX, shard: 0 });

interface GenerationsRun extends ShardRun {
  /** Any generation, as a template for others with the same definitions. */
  readonly first: Generation;
  /** The registry as an aggregator has read it some time ago. */
  remembered: Registry | undefined;
}

/** One shard is rebuilt again and again: generations are begun, switched to, cancelled and dropped while others are folded. */
export function createGenerations(laboratory: Laboratory): Subject<GenerationStep> {
  return {
    name: 'generations',
    draw: drawGenerationStep,
    async open() {
      await laboratory.reset();
      const first = await openGeneration(laboratory.product, { prefix: PREFIX, shard: 0 });
      await createGroup(laboratory.product, first);
      const run = { ...beginRun(laboratory, emptyShard()), first, remembered: undefined };
      beginGeneration(run.shard, first.id);
      return {
        take: (step) => takeGenerationStep(run, step),
        check: () => checkGenerations(run),
        settle: () => settleGenerations(run),
      };
    },
  };
}

async function takeGenerationStep(run: GenerationsRun, step: GenerationStep): Promise<void> {
  const { product } = run.laboratory;
  switch (step.do) {
    case 'fold': {
      const { id } = pickOne(run, step.which);
      return takeFoldingStep(run, describe(run, id), step.step);
    }
    case 'begin':
      return begin(run);
    case 'follow':
    case 'switch': {
      const { live, building } = await readRegistry(product, PREFIX);
      if (live === undefined || building === undefined) return;
      if (step.do === 'follow') await followStream(product, PREFIX, building);
      else await switchGeneration(product, PREFIX, { live, built: building });
      return;
    }
    case 'handOver': {
      const { live, generations } = await readRegistry(product, PREFIX);
      const current = generations.get(live ?? '');
      if (current !== undefined) await handOver(product, current, INSTALLATION);
      return;
    }
    case 'remember':
      run.remembered = await readRegistry(product, PREFIX);
      return;
    case 'upkeep': {
      const registry = step.registry === 'remembered' ? run.remembered : await readRegistry(product, PREFIX);
      if (registry === undefined) return;
      await keepGenerations(product, registry, {
        ...INSTALLATION,
        graceMs: GRACE_MS,
        observe: () => undefined,
      });
      return noticeDropped(run);
    }
    case 'cancel':
      await cancelRebuild(product, INSTALLATION);
      return noticeDropped(run);
    case 'reopen':
      return reopen(run, step);
  }
}

/** A rebuild begins, or is resumed: its group is at the oldest entry of the stream. */
async function begin(run: GenerationsRun): Promise<void> {
  const { product } = run.laboratory;
  const { catalogue } = run.first;
  const begun = await beginRebuild(product, { ...INSTALLATION, catalogue, log: undefined, force: true });
  expectSame('outcome of a rebuild', begun.outcome, 'begun');
  if (begun.outcome !== 'begun') return;
  const outcome = await createGroup(product, describe(run, begun.id), 'building');
  const isNew = !run.shard.generations.has(begun.id);
  expectSame('outcome of making a group to be built', outcome, isNew ? 'created' : 'exists');
  if (isNew) beginGeneration(run.shard, begun.id);
}

/** An aggregator that does not know of a drop tries to create the group again: it must not come back. */
async function reopen(
  run: GenerationsRun,
  { number, how }: { number: number; how: 'live' | 'existing' },
): Promise<void> {
  const id = run.first.id.replace(/^\d+/, String(number));
  if (run.shard.generations.has(id)) return;
  const outcome = await createGroup(run.laboratory.product, describe(run, id), how);
  expectSame('outcome of making the group of a dropped generation', ['gone', 'lost'].includes(outcome), true);
}

function describe({ first }: GenerationsRun, id: string): Generation {
  return { ...first, id, keys: generationKeys({ prefix: PREFIX, shard: 0 }, id) };
}

function pickOne({ shard }: ShardRun, which: number): { id: string } {
  const ids = [...shard.generations.keys()];
  return { id: ids[which % ids.length] ?? '' };
}

async function readGroups({ laboratory }: ShardRun): Promise<string[]> {
  const groups = (await laboratory.admin.xinfo('GROUPS', events)) as string[][];
  return groups.map((fields) => String(fields[fields.indexOf('name') + 1]));
}

/** Only generations that are neither live nor being built are dropped. */
async function noticeDropped(run: GenerationsRun): Promise<void> {
  const groups = new Set(await readGroups(run));
  const { live, building } = await readRegistry(run.laboratory.admin, PREFIX);
  for (const id of run.shard.generations.keys()) {
    if (groups.has(generationKeys({ prefix: PREFIX, shard: 0 }, id).group)) continue;
    if (id === live || id === building)
      throw new ScheduleError(`dropped generations: expected none in use; got ${id}`);
    run.shard.generations.delete(id);
  }
}

async function checkGenerations(run: GenerationsRun): Promise<void> {
  const { admin } = run.laboratory;
  const { live, building, generations } = await readRegistry(admin, PREFIX);
  const states = [...generations.values()].map(({ id, state }) => [id, state] as const);
  const inState = (state: string): string[] => states.filter(([, each]) => each === state).map(([id]) => id);
  expectSame('live generations', inState('live'), [live]);
  expectSame('generations that are built', inState('building'), building === undefined ? [] : [building]);
  const ids = [...run.shard.generations.keys()];
  expectSameItems(
    'groups',
    await readGroups(run),
    ids.map((id) => generationKeys({ prefix: PREFIX, shard: 0 }, id).group),
  );
  for (const id of ids) await checkPending(run, describe(run, id));
  const letters = (await admin.xrange(dead, '-', '+')).map(
    ([, fields]) => fields[fields.indexOf('entry_id') + 1],
  );
  expectSameItems('dead letters, each once', letters, new Set(letters));
}

async function settleGenerations(run: GenerationsRun): Promise<void> {
  const live = await findGeneration(run.laboratory.admin, { prefix: PREFIX, shard: 0 });
  expectSame('the live generation is folded', run.shard.generations.has(live?.id ?? ''), true);
  for (const id of run.shard.generations.keys()) await settleGeneration(run, describe(run, id));
  await checkGenerations(run);
}
