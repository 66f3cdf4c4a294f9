import {
  dropDeadLetter,
  readDeadLetters,
  retryDeadLetter,
  type StoredDeadLetter,
} from '@streamfold/aggregator';
import { askAll, ConfigurationError, listShards, type RedisConnection, shardKeys } from '@streamfold/redis';
import type { Command, Environment } from '../environment.ts';
import type { Configuration } from '../configuration.ts';
import { withRedis } from '../with-redis.ts';

type Act = (
  redis: RedisConnection,
  letters: AsyncIterable<StoredDeadLetter>,
  environment: Environment,
) => Promise<0 | 1>;

/** Lists, retries or drops dead letters. Retry and drop need a choice: IDs, a reason, or all. */
export function deadLetters(verb: 'list' | 'retry' | 'drop'): Command {
  const act = { list: listLetters, retry: retryLetters, drop: dropLetters }[verb];
  return (environment, args) => {
    const { configuration, printError } = environment;
    const { reason, all } = configuration;
    if (verb !== 'list' && args.length === 0 && reason === '' && !all) {
      throw new ConfigurationError(`dead-letters ${verb}: expected IDs, --reason or --all; got none of them`);
    }
    if (args.length > 0 && (reason !== '' || all)) {
      throw new ConfigurationError(`dead-letters ${verb}: expected IDs, or else --reason or --all; got both`);
    }
    const wanted = args.length === 0 ? undefined : args.map((arg) => parseId(arg, configuration));
    const missing = new Set(wanted?.map(nameLetter));
    return withRedis(
      configuration,
      async (redis) => {
        const exitCode = await act(redis, select(redis, { configuration, wanted, missing }), environment);
        for (const name of missing) printError(`streamfold: ${name}: expected a dead letter; there is none`);
        return missing.size === 0 ? exitCode : 1;
      },
      { shardCount: verb === 'list' ? 'compare' : 'record' },
    );
  };
}

interface LetterId {
  readonly shard: number;
  readonly id: string;
}

function nameLetter({ shard, id }: LetterId): string {
  return `${shard}/${id}`;
}

function parseId(arg: string, { shards }: Configuration): LetterId {
  const [, shard, id] = /^(?:(\d{1,4})\/)?(\d{1,20}-\d{1,20})$/.exec(arg) ?? [];
  if (id === undefined || Number(shard ?? 0) >= shards) {
    throw new ConfigurationError(`ID: expected shard/ID as list shows it; got ${JSON.stringify(arg)}`);
  }
  return { shard: Number(shard ?? 0), id };
}

interface Selection {
  readonly configuration: Configuration;
  readonly wanted: readonly LetterId[] | undefined;
  /** Names that have not been found yet; each is removed when it is found. */
  readonly missing: Set<string>;
}

async function* select(
  redis: RedisConnection,
  { configuration, wanted, missing }: Selection,
): AsyncGenerator<StoredDeadLetter> {
  const { reason } = configuration;
  const shards = await askAll(listShards(configuration), async (shard) => ({
    shard,
    letters: await redis.xlen(shardKeys(shard).dead),
  }));
  for (const { shard, letters } of shards) {
    if (letters === 0) continue;
    const ids = wanted && new Set(wanted.filter((each) => each.shard === shard.shard).map(({ id }) => id));
    if (ids?.size === 0) continue;
    const filter = { ids, reason: reason === '' ? undefined : reason };
    for await (const letter of readDeadLetters(redis, shard, filter)) {
      missing.delete(nameLetter(letter));
      yield letter;
    }
  }
}

const listLetters: Act = async (_redis, letters, { configuration, print }) => {
  let listed = 0;
  let more = false;
  for await (const letter of letters) {
    if (listed === configuration.limit) {
      more = true;
      break;
    }
    listed++;
    if (configuration.json) print(JSON.stringify(letter));
    else for (const line of describe(letter)) print(line);
  }
  if (configuration.json) return 0;
  if (listed === 0) print('no dead letters');
  else if (more) print(`… and more; --limit shows more than ${configuration.limit}`);
  return 0;
};

/** A list shows at most this many characters of the fields. */
const SHOWN_CHARACTERS = 300;

function describe(letter: StoredDeadLetter): string[] {
  const { entryId, index, reason, detail, fields } = letter;
  const where = index === undefined ? entryId : `${entryId}, event ${index}`;
  const shown = fields.length > SHOWN_CHARACTERS ? `${fields.slice(0, SHOWN_CHARACTERS)}…` : fields;
  return [`${nameLetter(letter)}  ${reason}  entry ${where}`, `  ${detail}`, `  ${shown}`].map(showControls);
}

/** Any client can append dead letters, so their text must not control the terminal. */
function showControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const retryLetters: Act = async (redis, letters, { configuration, print, printError }) => {
  let retried = 0;
  let bad = 0;
  for await (const letter of letters) {
    const result = await retryDeadLetter(redis, letter, configuration);
    if (configuration.json) print(JSON.stringify({ id: nameLetter(letter), ...result }));
    if (result.outcome === 'still_bad') {
      bad++;
      if (configuration.json) continue;
      printError(`${nameLetter(letter)} stays: ${result.reason}: ${result.detail}`);
    } else {
      retried++;
      if (configuration.json) continue;
      print(`${nameLetter(letter)} ${result.outcome} as entry ${result.entryId} of shard ${result.shard}`);
    }
  }
  if (!configuration.json) print(`${retried} retried, ${bad} stay`);
  return bad === 0 ? 0 : 1;
};

const dropLetters: Act = async (redis, letters, { configuration, print }) => {
  let dropped = 0;
  for await (const letter of letters)
    if (await dropDeadLetter(redis, configuration.prefix, letter)) dropped++;
  print(configuration.json ? JSON.stringify({ dropped }) : `${dropped} dropped`);
  return 0;
};
