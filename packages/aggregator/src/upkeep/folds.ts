import { toError } from '@streamfold/redis';
import type { Actor } from '../run/run-group.ts';

/**
 * The folds that run in this process, by generation: one each. One that is being stopped no longer counts as running, so the
 * generation can be folded again at once.
 */
export interface Folds {
  /** Starts to fold a generation that is not folded yet. */
  begin(id: string, fold: Actor): void;
  has(id: string): boolean;
  /** Stops the folds of all other generations. */
  keepOnly(ids: ReadonlySet<string>): void;
  /** Stops all folds. Resolves once all of them have ended. */
  close(): Promise<void>;
  /** Rejects if a fold has failed permanently. */
  readonly failed: Promise<never>;
}

interface RunningFold {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** `onEnd` is called when a fold has ended, for whatever reason. */
export function createFolds(onEnd: (id: string) => void): Folds {
  const running = new Map<string, RunningFold>();
  const ending = new Set<Promise<void>>();
  let fail: ((error: Error) => void) | undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  failed.catch(() => undefined); // the caller that awaits it handles it

  const keepOnly = (ids: ReadonlySet<string>): void => {
    for (const [id, { stop, ended }] of running) {
      if (ids.has(id)) continue;
      running.delete(id);
      ending.add(ended);
      stop.abort();
    }
  };

  return {
    begin(id, fold) {
      const stop = new AbortController();
      const ended = fold(stop.signal)
        .catch((cause: unknown) => fail?.(toError(cause)))
        .finally(() => {
          if (running.get(id)?.stop === stop) running.delete(id);
          onEnd(id);
          ending.delete(ended);
        });
      running.set(id, { stop, ended });
    },
    has: (id) => running.has(id),
    keepOnly,
    async close() {
      keepOnly(new Set());
      await Promise.all(ending);
    },
    failed,
  };
}
