/** The position from which an inbox is read next, and which of the arriving entries were not returned yet. */
export interface InboxCursor {
  /** The ID for the next read: pending entries after an ID, or `>` for entries that nobody has read. */
  next(): string;
  /** Takes the entries of a read, in order. Returns those that were not returned yet. */
  take<T extends readonly [id: string, ...unknown[]]>(entries: readonly T[]): readonly T[];
  /** The read failed: its reply may be lost, and then its entries are pending. */
  fail(): void;
}

/**
 * ```
 *              start, fail                none left
 *   ──────────────────────────▶ pending ───────────▶ new
 *                                  ▲                  │
 *                                  └──────────────────┘ nothing arrived, or the time is over: while in doubt
 * ```
 *
 * After a connection has broken, Redis may not know it yet. A read that still blocks there may be answered up to `doubtMs`
 * later; nobody gets the reply, and its entries are pending. So for that time, and once after it, pending entries are
 * read again from the position at which the connection broke.
 */
export function createInboxCursor({
  doubtMs,
  now,
}: {
  readonly doubtMs: number;
  readonly now: () => number;
}): InboxCursor {
  let pending = true;
  /** Pending entries are read after this one. */
  let from = '0';
  /** The newest entry that was returned. */
  let newest = '0';
  let doubt: { readonly from: string; readonly given: Set<string>; untilMs: number } | undefined;

  const lookAgain = (): void => {
    pending = true;
    from = doubt?.from ?? newest;
  };

  return {
    next: () => (pending ? from : '>'),
    take(entries) {
      const last = entries.at(-1)?.[0];
      const over = doubt !== undefined && now() >= doubt.untilMs;
      if (pending && last !== undefined) from = last;
      else if (pending) {
        pending = false;
        if (over) doubt = undefined;
      } else if (doubt !== undefined && (last === undefined || over)) lookAgain();
      const fresh = entries.filter(([id]) => !doubt?.given.has(id));
      for (const [id] of fresh) {
        doubt?.given.add(id);
        newest = id;
      }
      return fresh;
    },
    fail() {
      doubt ??= { from: newest, given: new Set(), untilMs: 0 };
      doubt.untilMs = now() + doubtMs;
      lookAgain();
    },
  };
}
