import { runAggregator, type AggregatorOptions, type Fact } from '@streamfold/aggregator';

/** An aggregator that runs inside the test's own process. */
export interface TestAggregator {
  readonly url: string;
  /** The facts it has reported, in order. */
  readonly facts: readonly Fact[];
  /** Resolves when it has ended; rejects if it failed. */
  readonly ended: Promise<void>;
  /** Ends it as SIGTERM does. */
  stop(): Promise<void>;
}

/** Starts an aggregator, by default on a free port, and resolves when it listens. */
export async function startAggregator(options: AggregatorOptions): Promise<TestAggregator> {
  const stop = new AbortController();
  const facts: Fact[] = [];
  let ended: Promise<void> = Promise.resolve();
  const url = await new Promise<string>((resolve, reject) => {
    ended = runAggregator(
      {
        port: 0,
        monitorGraceMs: 1_000,
        version: 'test',
        onListening: resolve,
        observe: (fact) => facts.push(fact),
        ...options,
      },
      stop.signal,
    );
    ended.catch(reject);
  });
  return {
    url,
    facts,
    ended,
    async stop() {
      stop.abort();
      await ended;
    },
  };
}
