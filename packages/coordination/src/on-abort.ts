/** Listeners of each signal that is being watched. */
const watched = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` when `signal` is aborted, until the returned function is called. A signal that is aborted already
 * calls nothing: ask it first.
 *
 * Any number of calls share one listener of the signal, because Node warns of a leak from the eleventh on.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const listeners = watched.get(signal) ?? new Set();
  const callAll = (): void => {
    for (const each of listeners) each();
  };
  if (!watched.has(signal)) {
    watched.set(signal, listeners);
    signal.addEventListener('abort', callAll, { once: true });
  }
  // One function may be given twice: each registration is its own.
  const call = (): void => listener();
  listeners.add(call);
  return () => void listeners.delete(call);
}
