import type { Cluster, Redis } from 'ioredis';

/** An event as it is in the stream. */
export type PublishedEvent = Readonly<Record<string, unknown>>;

/** All events in the stream of a shard, in order, from flat entries and batches. */
export async function readPublished(
  redis: Redis | Cluster,
  { prefix = 'streamfold', shard = 0 } = {},
): Promise<PublishedEvent[]> {
  const entries = await redis.xrange(`${prefix}:{${shard}}:events`, '-', '+');
  return entries.flatMap(([, fields]) => decodeFields(fields));
}

function decodeFields(fields: readonly string[]): PublishedEvent[] {
  const [name, value] = fields;
  if (name === 'events') return JSON.parse(value ?? '') as PublishedEvent[];
  const event: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) event[fields[at] ?? ''] = fields[at + 1] ?? '';
  return [event];
}
