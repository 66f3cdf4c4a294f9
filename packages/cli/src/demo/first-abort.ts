/**
 * A signal that is aborted as soon as one of the sources is. Unlike with AbortSignal.any, the sources hold a reference to
 * it: on Node 20 a signal of a timeout is collected with its timer and never aborted. One source must be aborted eventually.
 */
export function firstAbort(...sources: readonly AbortSignal[]): AbortSignal {
  const first = new AbortController();
  const abort = (): void => {
    for (const source of sources) source.removeEventListener('abort', abort);
    first.abort();
  };
  for (const source of sources) source.addEventListener('abort', abort);
  if (sources.some(({ aborted }) => aborted)) abort();
  return first.signal;
}
