import type { MeasureName } from './measures.ts';

/** The numbers that the benches of one call have found, for the summary. */
export interface Measurements {
  readonly isEmpty: boolean;
  record(name: MeasureName, value: number): void;
  /** The value; `undefined` if no bench has measured it. */
  read(name: MeasureName): number | undefined;
}

export function createMeasurements(): Measurements {
  const values = new Map<MeasureName, number>();
  return {
    get isEmpty() {
      return values.size === 0;
    },
    record(name, value) {
      if (Number.isFinite(value)) values.set(name, value);
    },
    read: (name) => values.get(name),
  };
}
