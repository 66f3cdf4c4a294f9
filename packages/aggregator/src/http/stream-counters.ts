import { Counter, type Registry } from 'prom-client';

/** Counters of what somebody has done to a stream or its consumer group. */
export function createStreamCounters(registers: Registry[]): { repeated: Counter; replaced: Counter } {
  const repeated = new Counter({
    name: 'streamfold_entries_repeated_total',
    help: 'Entries delivered again after they were folded, since somebody moved the group back: acknowledged without effect.',
    registers,
  });
  const replaced = new Counter({
    name: 'streamfold_streams_replaced_total',
    help: 'Times the stream of events was found to be another one than before: deleted, renamed or restored.',
    registers,
  });
  return { repeated, replaced };
}
