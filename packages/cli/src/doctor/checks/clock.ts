import { readServerTimeMs } from '@streamfold/redis';
import type { Check } from '../check.ts';
import { judge } from '../finding.ts';

/** A larger difference between the clocks is a warning, ms. */
const TOLERATED_SKEW_MS = 1_000;

/** Whether the clock of Redis is that of this machine. */
export const clock: Check = {
  name: 'clock',
  needed: true,
  async run({ redis, localTimeMs }) {
    const { ok, warn } = judge('clock');
    const before = localTimeMs();
    const theirs = await readServerTimeMs(redis);
    const skewMs = Math.round(theirs - (before + localTimeMs()) / 2);
    const text = `Redis is ${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'ahead of'} this machine`;
    return [
      Math.abs(skewMs) <= TOLERATED_SKEW_MS
        ? ok(text)
        : warn(
            `${text}: no count depends on it, but times from Prometheus and Redis would differ; synchronise the clocks`,
          ),
    ];
  },
};
