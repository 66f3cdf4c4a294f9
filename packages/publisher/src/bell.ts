/** Wakes waiters. They check their condition again, so that a needless ring does no harm. */
export interface Bell {
  /** Wakes all current waiters. */
  ring(): void;
  /** Resolves when the bell is rung, or after `ms`. */
  wait(ms?: number): Promise<void>;
}

export function createBell(): Bell {
  const waiting = new Set<() => void>();
  return {
    ring() {
      const awakened = [...waiting];
      waiting.clear();
      for (const wake of awakened) wake();
    },
    wait(ms = Infinity) {
      return new Promise((resolve) => {
        const timer = ms === Infinity ? undefined : setTimeout(() => wake(), Math.max(0, ms));
        const wake = (): void => {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
      });
    },
  };
}
