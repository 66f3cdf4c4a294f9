/**
 * Whether a consumer may hold on to the entries that were delivered to it. Reading its own pending entries again keeps
 * others from claiming them. A consumer that cannot commit would do so forever, and nobody would fold its entries.
 *
 * ```
 *               refused                  refused for the claim time
 *   holding ───────────────▶ refused ─────────────────────────▶ released ──┐ refused: checked without reading
 *      ▲  ◀─ committed or empty ─┘                                  │   ▲ ◀─┘
 *      └───────────── committed ──────────────────── trying ◀───────┘   │
 *                                                       └── refused ────┘
 * ```
 *
 * Released, it reads nothing, so its entries become idle and a healthy consumer claims them. Once a commit would be accepted
 * it tries one entry. If that is refused too, it releases its entries for twice the claim time before the next try.
 */
export interface Hold {
  /** The consumer holds no entries: a commit was done, or nothing was pending. */
  settled(): void;
  /** Entries were delivered, or may have been, and were not committed. */
  refused(): void;
  /** It is unknown whether the consumer holds entries, and nothing is being read: Redis is down. */
  forget(): void;
  readonly state: 'holding' | 'refused' | 'released' | 'trying';
  /** How long the next try has to wait, ms. */
  waitMs(): number;
  /** Begins a try. */
  try(): void;
}

/** Claim times between two tries: the others need one to notice, and more to claim. */
const CLAIM_TIMES_BETWEEN_TRIES = 2;

export function createHold({ claimIdleMs, now }: { claimIdleMs: number; now: () => number }): Hold {
  let state: Hold['state'] = 'holding';
  let refusedSinceMs = 0;
  let nextTryMs = 0;
  return {
    settled() {
      state = 'holding';
    },
    refused() {
      if (state === 'holding') {
        state = 'refused';
        refusedSinceMs = now();
      } else if (state === 'refused' && now() - refusedSinceMs >= claimIdleMs) {
        state = 'released';
        nextTryMs = now();
      } else if (state === 'trying') {
        state = 'released';
        nextTryMs = now() + CLAIM_TIMES_BETWEEN_TRIES * claimIdleMs;
      }
    },
    forget() {
      if (state === 'refused') state = 'holding';
    },
    get state() {
      return state;
    },
    waitMs: () => Math.max(0, nextTryMs - now()),
    try() {
      state = 'trying';
    },
  };
}
