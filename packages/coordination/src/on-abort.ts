/** Listeners of each watched signal. */
const watched = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` when `signal` is aborted, until the returned function is called. A signal that is already aborted
 * calls nothing: check it first.
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
  // The same function may be registered twice: each registration is separate.
  const call = (): void => listener();
  listeners.add(call);
  return () => void listeners.delete(call);
}
