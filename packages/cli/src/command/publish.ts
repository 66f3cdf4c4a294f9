import { encodeEvent, EVENT_TYPES, findEventType, parseJson, type EventInput } from '@streamfold/core';
import { createPublisher, PublishError, type PublisherObserver } from '@streamfold/publisher';
import { ConfigurationError } from '@streamfold/redis';
import type { Command } from '../environment.ts';
import { findNearest } from '../find-nearest.ts';
import { didYouMean } from '../usage-error.ts';
import { withRedis } from '../with-redis.ts';

/** Appends one event, or those of standard input; nothing if one of them is invalid. */
export const publish: Command = async (environment, args) => {
  const { configuration, print, printError, readStdin, typed } = environment;
  if (configuration.stdin && args.length > 0) {
    throw new ConfigurationError(
      `arguments: expected none with --stdin; got ${JSON.stringify(args.join(' '))}`,
    );
  }
  if (configuration.stdin && typed) printError('reading events, one JSON object a line; end with Ctrl-D');
  const given = configuration.stdin ? parseLines(await readStdin()) : [parseArguments(args)];
  if (given.length === 0) {
    throw new ConfigurationError('standard input: expected at least one event; got none');
  }
  for (const each of given) checkEvent(each);
  const { redis: redisUrl, prefix, shards, waitReplicas, waitDisk, waitMs } = configuration;
  await withRedis(configuration, async () => undefined); // fails at once if Redis cannot be reached
  const durability = { replicas: waitReplicas, disk: waitDisk, timeoutMs: waitMs };
  let lastFailure: Error | undefined;
  const observer: PublisherObserver = {
    connected: () => (lastFailure = undefined),
    disconnected: ({ error }) => (lastFailure = error),
  };
  const publisher = createPublisher({ redisUrl, prefix, shards, durability, observer });
  const show = (entryIds: readonly string[], counts: Readonly<Record<string, number>>): void => {
    if (configuration.json) print(JSON.stringify({ entryIds, ...counts }));
    else for (const entryId of entryIds) print(entryId);
  };
  try {
    const { entryIds, duplicates } = await publisher.append(given.map(({ event }) => event));
    show(entryIds, { duplicates });
    if (duplicates > 0) printError(`${duplicates} not appended: published before, with the same id`);
    return 0;
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    const { entryIds, unconfirmed } = error;
    if (error.reason !== 'unconfirmed') {
      const why = error.cause === undefined && lastFailure ? `: ${lastFailure.message}` : '';
      throw new Error(`not published: ${error.message}${why}`, { cause: error });
    }
    show(entryIds, { unconfirmed });
    throw new Error(`not confirmed: ${error.message}`, { cause: error });
  } finally {
    await publisher.close();
  }
};

/** An event and its place in the input, for error texts. */
interface GivenEvent {
  readonly event: EventInput;
  readonly where: string;
}

/** @throws {ConfigurationError} if the event is invalid: says why, and what was probably meant. */
function checkEvent({ event, where }: GivenEvent): void {
  const encoded = encodeEvent(event);
  if (encoded.ok) return;
  const { reason, field, detail } = encoded;
  const fields: Readonly<Record<string, unknown>> = { ...event };
  const hints = {
    unknown_type: () => suggestType(String(fields['type'])),
    missing_field: () => describeMisspelled(field, fields),
    unsupported_version: () => '',
    invalid_field: () => '',
    too_large: () => '',
  };
  throw new ConfigurationError(`${where}${reason}: ${detail}${hints[reason]()}`);
}

function suggestType(came: string): string {
  const types = EVENT_TYPES.map(({ type }) => type);
  return didYouMean(came, types) || `; known are ${types.join(', ')}`;
}

/** An unknown field may be the missing one with a typo in its name. */
function describeMisspelled(field: string, event: Readonly<Record<string, unknown>>): string {
  const known = new Set(findEventType(String(event['type']))?.rules.map(({ name }) => name));
  const given = Object.keys(event).find(
    (name) => !known.has(name) && findNearest(name, [field]) !== undefined,
  );
  return given === undefined ? '' : `; got ${given}, which is another field`;
}

function parseArguments([type, ...pairs]: readonly string[]): GivenEvent {
  if (type === undefined) {
    throw new ConfigurationError('arguments: expected TYPE field=value …, or --stdin; got none');
  }
  const fields: Record<string, string> = { type };
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 1) {
      throw new ConfigurationError(`arguments: expected field=value; got ${JSON.stringify(pair)}`);
    }
    const name = pair.slice(0, equals);
    if (Object.hasOwn(fields, name)) {
      throw new ConfigurationError(`${name}: expected once; got it twice: ${JSON.stringify(pair)}`);
    }
    fields[name] = pair.slice(equals + 1);
  }
  return { event: fields as unknown as EventInput, where: '' };
}

/** NDJSON: one object per line; blank lines are skipped. */
function parseLines(text: string): GivenEvent[] {
  const given: GivenEvent[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() !== '') given.push({ event: parseLine(line, at + 1), where: `line ${at + 1}: ` });
  }
  return given;
}

function parseLine(line: string, number: number): EventInput {
  try {
    const parsed = parseJson(line);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as EventInput;
  } catch {
    // reported below, like every value that is not an object
  }
  throw new ConfigurationError(
    `line ${number}: expected a JSON object; got ${JSON.stringify(line.slice(0, 80))}`,
  );
}
