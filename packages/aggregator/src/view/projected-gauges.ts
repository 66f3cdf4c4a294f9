import {
  createCoordinatorGauges,
  pruneRegisters,
  readCoordinator,
  type Catalogue,
  type CoordinatorGauges,
  type CoordinatorProjection,
  type Delta,
} from '@streamfold/core';
import type { ViewListener } from './shard-view.ts';

/** The gauges of the coordinators of a state, brought up to date only when they are read. */
export interface ProjectedGauges {
  /** These coordinators have changed. */
  touch(coordinators: Iterable<string>): void;
  /** The gauges: computed once for each coordinator that has changed since. Forgets of these what is over. */
  read(): CoordinatorGauges;
}

export function createProjectedGauges(
  delta: Delta,
  { catalogue, listener }: { readonly catalogue: Catalogue; readonly listener: ViewListener },
): ProjectedGauges {
  const gaugesByProjection = nameGauges(catalogue);
  const gauges = createCoordinatorGauges((projection, key) => {
    for (const name of gaugesByProjection.get(projection) ?? []) listener.changed(name, key);
  });
  for (const [key, registers] of delta.coordinators) gauges.set(key, readCoordinator(registers));
  const touched = new Set<string>();
  return {
    touch(coordinators) {
      for (const key of coordinators) touched.add(key);
    },
    read() {
      if (touched.size === 0) return gauges;
      const { coordinators, watermark } = delta;
      for (const key of touched) {
        const registers = coordinators.get(key);
        gauges.set(key, registers && readCoordinator(registers));
        if (registers && pruneRegisters(registers, watermark) === 'nothing_left') coordinators.delete(key);
      }
      touched.clear();
      return gauges;
    },
  };
}

/** Names of the gauges that show a projection. */
function nameGauges(catalogue: Catalogue): ReadonlyMap<CoordinatorProjection, readonly string[]> {
  return new Map(
    (['coordinators_alive', 'open_waits', 'oldest_open_wait'] as const).map((projection) => [
      projection,
      catalogue
        .filter((metric) => metric.type === 'gauge' && metric.projection === projection)
        .map(({ name }) => name),
    ]),
  );
}
