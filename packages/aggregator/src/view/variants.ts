/** The service gets more requests than it handles at once; the same request may succeed later. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
  /** When to retry. */
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Variants of one thing (here: formats and ages of the exposition), each expensive to create and to keep. */
export interface Variants<T> {
  /**
   * The variant with that name, created if it is not kept.
   *
   * @throws {BusyError} if others were created so recently that creating one more would take too much time.
   */
  take(name: string, create: () => T): T;
  values(): Iterable<T>;
  /** Adds to the time that the creation of the latest variant took, ms: the part after the call that created it. */
  charge(ms: number): void;
  /** Forgets a variant: it is created again when it is requested. */
  forget(name: string): void;
  /** Forgets all. */
  clear(): void;
}

interface Kept<T> {
  readonly value: T;
  askedMs: number;
}

/** Two formats, with and without an age, fit. Each variant takes as much memory as the text of the exposition. */
const MAX_VARIANTS = 4;
/** A variant that was not requested in this time makes room: no scraper asks less often. */
const UNUSED_MS = 300_000;
/** A variant that was not requested in this time is forgotten, to free its memory. */
const FORGOTTEN_MS = 3_600_000;
/** Creating variants beyond the first ones takes at most this share of the time (one part in …). */
const SHARE = 10;

/**
 * No variant yet.
 *
 * The first ones stay as long as they are requested, so clients that keep requesting new variants compete only for the last
 * place, and cannot make the process render all the time.
 *
 * @param now monotonic clock, ms.
 */
export function createVariants<T>(now: () => number): Variants<T> {
  const kept = new Map<string, Kept<T>>();
  let nextMs = -Infinity;

  const makeRoom = (atMs: number): void => {
    if (kept.size < MAX_VARIANTS) return;
    if (atMs < nextMs) {
      throw new BusyError(
        'the metrics are asked for in too many variants; expected few formats and values of zero_first_seconds',
        Math.ceil((nextMs - atMs) / 1_000),
      );
    }
    const names = [...kept.keys()];
    const unused = names.find((name) => atMs - (kept.get(name)?.askedMs ?? 0) > UNUSED_MS);
    kept.delete(unused ?? names.at(-1) ?? '');
  };

  const forgetOld = (atMs: number): void => {
    for (const [name, { askedMs }] of kept) if (atMs - askedMs > FORGOTTEN_MS) kept.delete(name);
  };

  return {
    take(name, create) {
      const atMs = now();
      forgetOld(atMs);
      const present = kept.get(name);
      if (present !== undefined) {
        present.askedMs = atMs;
        return present.value;
      }
      makeRoom(atMs);
      const value = create();
      const createdMs = now();
      nextMs = createdMs + SHARE * (createdMs - atMs);
      kept.set(name, { value, askedMs: createdMs });
      return value;
    },
    *values() {
      for (const { value } of kept.values()) yield value;
    },
    charge(ms) {
      nextMs = now() + SHARE * ms;
    },
    forget: (name) => void kept.delete(name),
    clear: () => kept.clear(),
  };
}
