import { readLog, type Log, type LogEntry, type LogRange } from '@streamfold/archive';
import type { Redis } from 'ioredis';

/** All entries of a range of a log. */
export async function readAll(redis: Redis, log: Log, range: LogRange = {}): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const page of readLog(redis, log, range)) entries.push(...page.entries);
  return entries;
}

/** All entries of a stream. */
export async function readWholeStream(redis: Redis, events: string): Promise<LogEntry[]> {
  return (await redis.xrange(events, '-', '+')).map(([id, fields]) => ({ id, fields }));
}
