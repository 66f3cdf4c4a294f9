import { createCoordinatorGauges, type Coordinator, type CoordinatorProjection } from '@streamfold/core';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';

const anyCoordinator: fc.Arbitrary<Coordinator> = fc
  .record({
    phase: fc.constantFrom('p', 'q'),
    status: fc.constantFrom<Coordinator['status']>('stale', 'blocked', 'active'),
    waits: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
  })
  .map(({ phase, status, waits }) => ({
    phase,
    status,
    openWaits: waits.length,
    oldestWaitMs: waits.length === 0 ? undefined : Math.min(...waits),
  }));

const change = fc.record({
  key: fc.constantFrom('s1|a', 's1|b', 's1|c', 's2|a', 's2|b', 's3|a'),
  after: fc.option(anyCoordinator, { nil: undefined, freq: 2 }),
  readsOldest: fc.boolean(),
});

interface Shown {
  readonly alive: ReadonlyMap<string, number>;
  readonly openWaits: ReadonlyMap<string, number>;
  readonly oldest: ReadonlyMap<string, number | undefined>;
}

/** The gauges, counted from scratch over all coordinators. */
function recompute(coordinators: ReadonlyMap<string, Coordinator>): Shown {
  const alive = new Map<string, number>();
  const openWaits = new Map<string, number>();
  const oldest = new Map<string, number | undefined>();
  for (const [key, { phase, status, openWaits: open, oldestWaitMs }] of coordinators) {
    const [swarm = ''] = key.split('|');
    const series = `${swarm}|${phase}|${status}`;
    alive.set(series, (alive.get(series) ?? 0) + 1);
    openWaits.set(swarm, (openWaits.get(swarm) ?? 0) + open);
    const least = Math.min(oldest.get(swarm) ?? Infinity, oldestWaitMs ?? Infinity);
    oldest.set(swarm, least === Infinity ? undefined : least);
  }
  return { alive, openWaits, oldest };
}

const sorted = <V>(map: ReadonlyMap<string, V>): [string, V][] =>
  [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));

test('gauges updated change by change equal a full count, and report what changed', (t) => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const told = new Set<string>();
      const gauges = createCoordinatorGauges((projection: CoordinatorProjection, key) =>
        told.add(`${projection} ${key}`),
      );
      const coordinators = new Map<string, Coordinator>();
      let shown = recompute(coordinators);
      for (const { key, after, readsOldest } of changes) {
        told.clear();
        gauges.set(key, after);
        if (after === undefined) coordinators.delete(key);
        else coordinators.set(key, after);
        const expected = recompute(coordinators);
        t.deepEqual(sorted(gauges.alive), sorted(expected.alive));
        t.deepEqual(sorted(gauges.openWaits), sorted(expected.openWaits));
        if (readsOldest) {
          for (const swarm of ['s1', 's2', 's3'])
            t.is(gauges.oldestWaitMs(swarm), expected.oldest.get(swarm));
        }
        for (const moved of [
          ...moves('coordinators_alive', shown.alive, expected.alive),
          ...moves('open_waits', shown.openWaits, expected.openWaits),
          ...moves('oldest_open_wait', shown.oldest, expected.oldest),
        ]) {
          t.true(told.has(moved), moved);
        }
        shown = expected;
      }
    }),
    { numRuns: 400, seed: 71 },
  );
});

function moves(
  projection: CoordinatorProjection,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): string[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => before.get(key) !== after.get(key)).map((key) => `${projection} ${key}`);
}
