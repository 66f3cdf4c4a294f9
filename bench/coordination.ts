import { benchIdle } from './coordination/idle-cost.ts';
import { benchMonitor } from './coordination/monitor-cost.ts';
import { benchSignals } from './coordination/signal-cost.ts';

/** Prints what coordination costs: signals, the monitor's steps, and coordinators that do nothing. */
export async function benchCoordination(runs: number): Promise<void> {
  await benchSignals(runs);
  await benchMonitor(runs);
  await benchIdle();
}
