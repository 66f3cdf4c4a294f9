import type { EntryId } from '@streamfold/core';
import { replyField, type RedisConnection } from '@streamfold/redis';
import { BEFORE_ALL } from './log-error.ts';

/** What Redis knows about a stream without reading it. */
export interface StreamExtent {
  readonly firstId: EntryId | undefined;
  /** The greatest ID that it ever gave out. */
  readonly lastGeneratedId: EntryId;
  readonly length: number;
  /** Entries that are no longer in it. */
  readonly gone: number;
}

/** XINFO STREAM key; a stream that does not exist is empty. Constant cost. */
export async function describeStream(redis: RedisConnection, events: string): Promise<StreamExtent> {
  try {
    const reply = (await redis.xinfo('STREAM', events)) as unknown[];
    const first = replyField(reply, 'first-entry') as [EntryId] | null;
    const length = Number(replyField(reply, 'length'));
    return {
      firstId: first?.[0],
      lastGeneratedId: String(replyField(reply, 'last-generated-id')),
      length,
      gone: Number(replyField(reply, 'entries-added')) - length,
    };
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('no such key')) throw error;
    return { firstId: undefined, lastGeneratedId: BEFORE_ALL, length: 0, gone: 0 };
  }
}
