import { createPublisher, type PublisherObserver, type PublisherOptions } from '@streamfold/publisher';
import type { Redis } from 'ioredis';
import { readPublished } from '../harness/read-published.ts';
import { nextPrefix } from '../harness/start-redis.ts';

/** A fact that an observer received. */
export interface ToldFact {
  readonly type: keyof PublisherObserver;
  readonly events?: number;
  readonly attempts?: number;
  readonly attempt?: number;
  readonly reason?: string;
  readonly error?: Error;
}

/** An observed publisher with its own keys: its facts, and the events in the stream. */
export function openPublisher(redis: Redis, options: Partial<PublisherOptions> & { readonly url: string }) {
  const { prefix = nextPrefix() } = options;
  const told: ToldFact[] = [];
  const tell = (type: ToldFact['type']) => (fact?: object) => void told.push({ type, ...fact });
  const observer: PublisherObserver = {
    published: tell('published'),
    duplicate: tell('duplicate'),
    retried: tell('retried'),
    dropped: tell('dropped'),
    connected: tell('connected'),
    disconnected: tell('disconnected'),
    unconfirmed: tell('unconfirmed'),
  };
  return {
    prefix,
    told,
    /** The reasons of repeated attempts, in order. */
    retries: () => told.filter(({ type }) => type === 'retried').map(({ reason }) => reason),
    publisher: createPublisher({ observer, ...options, prefix }),
    /** `signal_id` of all events in the stream, in order. */
    numbers: async (shard = 0) =>
      (await readPublished(redis, { prefix, shard })).map((event) => Number(event['signal_id'])),
  };
}
