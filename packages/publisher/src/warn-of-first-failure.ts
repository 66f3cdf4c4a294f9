import type { PublisherObserver } from './observer.ts';

/**
 * The observer of a publisher without one. It emits one warning, when the connection fails for the first time: otherwise a
 * wrong address would show only in the result of `close`.
 *
 * A process warning rather than a line on standard error: by default it is printed there, but a program can listen for it
 * (`process.on('warning')`) or turn it off, and a library does not write to the output of its program.
 */
export function warnOfFirstFailure(): PublisherObserver {
  let warned = false;
  return {
    disconnected({ error }) {
      if (warned) return;
      warned = true;
      process.emitWarning(
        `${error.message}. The publisher keeps trying; events wait in memory. This is said once: pass an observer to hear of every failure`,
        { type: 'StreamfoldPublisherWarning' },
      );
    },
  };
}
