import { emptyRegisters, type CoordinatorRegisters } from '../coordinator-registers.ts';
import { emptyDelta, type Delta, type SeriesKey, type SeriesValue } from '../delta.ts';
import type { BatchColumns } from './batch-columns.ts';
import { PHASE_SET, STALE_SET, STAMPED_REGISTERS, type LifeColumns } from './life-columns.ts';
import { joinSum } from './join-sum.ts';
import type { SeriesColumns } from './series-columns.ts';
import { NO_WAIT } from './wait-columns.ts';

/** The same as a delta. */
export function describeColumns(batch: BatchColumns): Delta {
  const delta = { ...emptyDelta(), series: describeSeries(batch) };
  const { life } = batch;
  const { totals } = delta;
  for (let at = 0; at < life.count; at++)
    delta.coordinators.set(life.table.textOf(life.keyAt(at)), readRegisters(batch, life, at));
  totals.entries = batch.entries - batch.lostEntries;
  totals.events = batch.events;
  totals.lostEntries = batch.lostEntries;
  for (const [reason, count] of batch.deadLetters) totals.deadLetters.set(reason, count);
  return delta;
}

export function describeSeries({ metrics }: BatchColumns): Delta['series'] {
  const described: Delta['series'] = new Map();
  for (const { metric, columns } of metrics) {
    if (columns.count === 0) continue;
    const series = new Map<SeriesKey, SeriesValue>();
    for (let at = 0; at < columns.count; at++)
      series.set(columns.table.textOf(columns.keyAt(at)), readSeries(columns, at));
    described.set(metric.name, series);
  }
  return described;
}

function readSeries({ width, low, carries, buckets }: SeriesColumns, at: number): SeriesValue {
  const sum = joinSum(low[at] ?? 0, carries[at] ?? 0);
  if (width === 0) return Number(sum);
  return { sumMicros: sum, buckets: [...buckets.subarray(at * width, (at + 1) * width)] };
}

function readRegisters(batch: BatchColumns, life: LifeColumns, at: number): CoordinatorRegisters {
  const registers = emptyRegisters();
  for (const [register, name] of STAMPED_REGISTERS.entries()) {
    const ordinal = life.stampAt(at, register);
    if (ordinal > 0) registers[name] = batch.stampOf(ordinal);
  }
  if (life.stampAt(at, PHASE_SET) > 0)
    registers.phase = life.phases.text(life.phaseStarts[at] ?? 0, life.phaseLengths[at] ?? 0);
  if (life.stampAt(at, STALE_SET) > 0) registers.stale = life.stale[at] === 1;
  const { waits } = life;
  for (let wait = life.firstWaits[at] ?? NO_WAIT; wait !== NO_WAIT; wait = waits.next[wait] ?? NO_WAIT) {
    const opened = waits.opened[wait] ?? 0;
    const closed = waits.closed[wait] ?? 0;
    registers.waits.set(waits.ids.text(waits.starts[wait] ?? 0, waits.lengths[wait] ?? 0), {
      opened: opened === 0 ? '' : batch.stampOf(opened),
      closed: closed === 0 ? '' : batch.stampOf(closed),
    });
  }
  return registers;
}
