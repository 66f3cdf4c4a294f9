import { benchIdle } from './coordination/idle-cost.ts';
import { benchMonitor } from './coordination/monitor-cost.ts';
import { benchSignals } from './coordination/signal-cost.ts';

/** Prints the cost of coordination: signals, the steps of a monitor, and idle coordinators. */
export async function benchCoordination(runs: number): Promise<void> {
  await benchSignals(runs);
  await benchMonitor(runs);
  await benchIdle();
}
