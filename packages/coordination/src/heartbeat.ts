import { checkObject, toError } from '@streamfold/redis';
import { CoordinationError } from './coordination-error.ts';
import type { Life } from './life.ts';
import { checkId, checkNumber } from './options.ts';

export interface HeartbeatOptions {
  /** Interval between two beats, ms, 10 to a day; well below `staleAfterMs`. */
  readonly intervalMs: number;
  /** Changes the phase with the first beat. */
  readonly phase?: string;
}

/** A heartbeat that beats until it is stopped or the life has ended. */
export interface Heartbeat {
  /** Resolves with the first beat. */
  readonly beating: Promise<void>;
  /** Stops it. The coordinator becomes stale if it does not beat in another way. Idempotent. */
  stop(): void;
}

const DAY_MS = 86_400_000;

/** A failed beat is not repeated: the next one follows soon enough. */
export function startHeartbeat(
  { link, settings: { observer }, self }: Life,
  options: HeartbeatOptions,
): Heartbeat {
  checkObject('options', options, 'intervalMs');
  const { intervalMs, phase } = options;
  checkNumber('intervalMs', intervalMs, { least: 10, most: DAY_MS });
  let pendingPhase = phase === undefined ? '' : checkId('phase', phase, 64);
  let stopped = false;
  let underWay = false;

  const beat = async (): Promise<void> => {
    if (underWay || stopped) return;
    underWay = true;
    try {
      const reply = await link.call('beat', [...self, pendingPhase]);
      pendingPhase = '';
      if (reply === 'ended') {
        stop();
        observer.ended?.();
      }
    } catch (error) {
      if (error instanceof CoordinationError && error.reason === 'ended') stop();
      throw error;
    } finally {
      underWay = false;
    }
  };
  const tryBeat = (): void => {
    beat().catch((cause: unknown) => {
      if (!stopped) observer.disconnected?.({ error: toError(cause) });
    });
  };
  const timer = setInterval(tryBeat, intervalMs);
  const stop = (): void => {
    stopped = true;
    clearInterval(timer);
  };
  const beating = beat();
  beating.catch(() => undefined); // its rejection is for a caller that awaits it
  return { beating, stop };
}
