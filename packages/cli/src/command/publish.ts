import type { EventInput } from '@streamfold/core';
import { createPublisher, InvalidEventError, PublishError } from '@streamfold/publisher';
import { ConfigurationError } from '@streamfold/redis';
import type { Command } from '../environment.ts';
import { withRedis } from '../with-redis.ts';

/** Appends one event, or those of standard input; nothing where one of them is invalid. */
export const publish: Command = async (environment, args) => {
  const { configuration, print, printError, readStdin } = environment;
  if (configuration.stdin && args.length > 0) {
    throw new ConfigurationError(
      `arguments: expected none with --stdin; got ${JSON.stringify(args.join(' '))}`,
    );
  }
  const given = configuration.stdin ? parseLines(await readStdin()) : [parseArguments(args)];
  if (given.length === 0) {
    throw new ConfigurationError('standard input: expected at least one event; got none');
  }
  const { redis: url, prefix, shards } = configuration;
  await withRedis(configuration, async () => undefined); // tells at once where Redis cannot be reached
  const publisher = createPublisher({ url, prefix, shards });
  try {
    const { entryIds, duplicates } = await publisher.append(given.map(({ event }) => event));
    for (const entryId of entryIds) print(entryId);
    if (duplicates > 0) printError(`${duplicates} not appended: published before, with the same id`);
    return 0;
  } catch (error) {
    if (error instanceof InvalidEventError) {
      const where = given[error.index]?.where ?? '';
      throw new ConfigurationError(`${where}${error.reason}: ${error.detail}`, { cause: error });
    }
    if (error instanceof PublishError) {
      printError(`streamfold: not published: ${error.message}`);
      return 1;
    }
    throw error;
  } finally {
    await publisher.close();
  }
};

/** An event and where it stood, for error texts. */
interface GivenEvent {
  readonly event: EventInput;
  readonly where: string;
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
    fields[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return { event: fields as unknown as EventInput, where: '' };
}

/** NDJSON: one object a line; lines without any text are passed over. */
function parseLines(text: string): GivenEvent[] {
  const given: GivenEvent[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() !== '') given.push({ event: parseLine(line, at + 1), where: `line ${at + 1}: ` });
  }
  return given;
}

function parseLine(line: string, number: number): EventInput {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as EventInput;
  } catch {
    // told below, with all that is no object
  }
  throw new ConfigurationError(
    `line ${number}: expected a JSON object; got ${JSON.stringify(line.slice(0, 80))}`,
  );
}
