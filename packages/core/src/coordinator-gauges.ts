import type { GaugeMetric } from './catalogue.ts';
import type { Coordinator } from './coordinator-registers.ts';
import { KEY_SEPARATOR, type SeriesKey } from './delta.ts';

/** The gauges that are projected from the coordinators, kept up to date change by change. */
export interface CoordinatorGauges {
  /** Sets the coordinator `key`; `undefined` if it is not, or no longer, alive. */
  set(key: string, coordinator: Coordinator | undefined): void;
  /** Coordinators alive, by `swarm_id|phase|status`. */
  readonly alive: ReadonlyMap<SeriesKey, number>;
  /** Open waits by `swarm_id`, with a 0 for swarms that have coordinators but no wait. */
  readonly openWaits: ReadonlyMap<SeriesKey, number>;
  /** When the oldest open wait of a swarm was started, ms of Redis's clock; `undefined` if none is open. */
  oldestWaitMs(swarmId: string): number | undefined;
}

interface Swarm {
  readonly swarmId: string;
  coordinators: number;
  /** By coordinator: the start of its oldest open wait. */
  readonly oldest: Map<string, number>;
  /** The least value of `oldest`, or `undefined` if it must be searched again. */
  least: number | undefined;
}

/** A projection of the coordinators that a gauge shows. */
export type CoordinatorProjection = GaugeMetric['projection'];

/**
 * Gauges of no coordinators. A change costs the same for any number of them. `changed` is called for each series of a
 * projection whose value may have changed or gone.
 */
export function createCoordinatorGauges(
  changed: (projection: CoordinatorProjection, key: SeriesKey) => void,
): CoordinatorGauges {
  const alive = new Map<SeriesKey, number>();
  const openWaits = new Map<SeriesKey, number>();
  const swarms = new Map<string, Swarm>();
  const shown = new Map<string, Coordinator>();

  const addAlive = (key: SeriesKey, change: number): void => {
    const count = (alive.get(key) ?? 0) + change;
    if (count === 0) alive.delete(key);
    else alive.set(key, count);
    changed('coordinators_alive', key);
  };
  const remove = (swarm: Swarm, key: string, coordinator: Coordinator): void => {
    const { swarmId } = swarm;
    addAlive(aliveKey(swarmId, coordinator), -1);
    openWaits.set(swarmId, (openWaits.get(swarmId) ?? 0) - coordinator.openWaits);
    swarm.coordinators--;
    if (swarm.oldest.get(key) === swarm.least) swarm.least = undefined;
    swarm.oldest.delete(key);
  };
  const add = (swarm: Swarm, key: string, coordinator: Coordinator): void => {
    const { swarmId } = swarm;
    addAlive(aliveKey(swarmId, coordinator), 1);
    openWaits.set(swarmId, (openWaits.get(swarmId) ?? 0) + coordinator.openWaits);
    swarm.coordinators++;
    if (coordinator.oldestWaitMs === undefined) return;
    if (swarm.oldest.size === 0) swarm.least = coordinator.oldestWaitMs;
    else if (swarm.least !== undefined) swarm.least = Math.min(swarm.least, coordinator.oldestWaitMs);
    swarm.oldest.set(key, coordinator.oldestWaitMs);
  };

  return {
    alive,
    openWaits,
    set(key, coordinator) {
      const before = shown.get(key);
      if (before === undefined && coordinator === undefined) return;
      const swarmId = key.slice(0, key.indexOf(KEY_SEPARATOR));
      let swarm = swarms.get(swarmId);
      if (swarm === undefined) {
        swarm = { swarmId, coordinators: 0, oldest: new Map(), least: undefined };
        swarms.set(swarmId, swarm);
      }
      if (before !== undefined) remove(swarm, key, before);
      if (coordinator === undefined) shown.delete(key);
      else {
        shown.set(key, coordinator);
        add(swarm, key, coordinator);
      }
      if (swarm.coordinators === 0) {
        swarms.delete(swarmId);
        openWaits.delete(swarmId);
      }
      changed('open_waits', swarmId);
      changed('oldest_open_wait', swarmId);
    },
    oldestWaitMs(swarmId) {
      const swarm = swarms.get(swarmId);
      if (swarm === undefined || swarm.oldest.size === 0) return undefined;
      if (swarm.least === undefined) {
        swarm.least = Infinity;
        for (const startedMs of swarm.oldest.values()) swarm.least = Math.min(swarm.least, startedMs);
      }
      return swarm.least;
    },
  };
}

function aliveKey(swarmId: string, { phase, status }: Coordinator): SeriesKey {
  return swarmId + KEY_SEPARATOR + phase + KEY_SEPARATOR + status;
}
