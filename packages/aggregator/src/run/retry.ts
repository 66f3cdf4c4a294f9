import { ConfigurationError, toError } from '@streamfold/redis';
import type { FailingStep, Observe } from './fact.ts';

/** Waits this number of ms, or until `stop` is aborted. */
export type Pause = (ms: number, stop: AbortSignal) => Promise<void>;

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Repeats `attempt` until it succeeds or `stop` is aborted, with pauses that double. The first failure is reported, and
 * the success that ends a series of failures.
 *
 * @throws {ConfigurationError} from `attempt`: retrying does not help.
 */
export async function retry(
  options: { shard?: number; step: FailingStep; observe: Observe; pause: Pause; stop: AbortSignal },
  attempt: () => Promise<void>,
): Promise<void> {
  const { shard, step, observe, pause, stop } = options;
  for (let failures = 0; !stop.aborted; failures++) {
    try {
      await attempt();
      if (failures > 0) observe({ type: 'recovered', step, shard });
      return;
    } catch (cause) {
      if (cause instanceof ConfigurationError) throw cause;
      const error = toError(cause);
      if (failures === 0) observe({ type: 'failed', step, shard, error });
      await pause(Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS), stop);
    }
  }
}
