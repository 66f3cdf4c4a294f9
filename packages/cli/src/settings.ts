import { DEAD_LETTER_REASONS } from '@streamfold/core';
import { DEFAULT_PREFIX } from '@streamfold/redis';
import { Option } from 'commander';
import { z } from 'zod';
import { ARCHIVE_SETTINGS } from './archive-settings.ts';
import { BACKFILL_SETTINGS } from './backfill-settings.ts';
import { REBUILD_SETTINGS } from './rebuild-settings.ts';
import { oneOf, text, wholeNumber, type Setting } from './setting.ts';

/** Every setting of every command. Flags win over variables. */
export const SETTINGS = {
  redis: {
    flag: '--redis',
    argument: 'url',
    variable: 'STREAMFOLD_REDIS_URL',
    unit: 'URL',
    ...text(
      /^redis(s|-sentinel|-cluster)?:\/\/./,
      'a URL redis://, rediss://, redis-sentinel:// or redis-cluster://',
    ),
    byDefault: 'redis://127.0.0.1:6379',
    help: 'where Redis is',
    reason:
      'Redis on this machine; rediss:// for TLS, redis-sentinel://host:port,host:port/master-name, redis-cluster://host:port,host:port',
  },
  prefix: {
    flag: '--prefix',
    argument: 'prefix',
    variable: 'STREAMFOLD_PREFIX',
    unit: 'text',
    ...text(/^[^\s{}]{1,128}$/, '1 to 128 characters without spaces or braces'),
    byDefault: DEFAULT_PREFIX,
    help: 'what all keys start with',
    reason: 'several installations can share one Redis; braces would move the hash slot',
  },
  shards: {
    flag: '--shards',
    argument: 'n',
    variable: 'STREAMFOLD_SHARDS',
    unit: 'shards',
    ...wholeNumber(1, 1_024),
    byDefault: 1,
    help: 'number of shards; the same for all programs',
    reason:
      'one Redis core folds a few hundred thousand events a second; more shards are for a Redis Cluster. Recorded at first use',
  },
  host: {
    flag: '--host',
    argument: 'host',
    variable: 'STREAMFOLD_HOST',
    unit: 'address',
    ...text(/^[A-Za-z0-9.:_-]{1,255}$/, 'a host name or an address'),
    byDefault: '127.0.0.1',
    help: 'address to listen on',
    reason: 'nobody outside this machine until you say so',
  },
  port: {
    flag: '--port',
    argument: 'port',
    variable: 'STREAMFOLD_PORT',
    unit: 'port',
    ...wholeNumber(0, 65_535),
    byDefault: 3_000,
    help: 'port to listen on; 0 takes a free one',
    reason: 'the port that the Prometheus configuration in infra/ scrapes',
  },
  consumer: {
    flag: '--consumer',
    argument: 'name',
    variable: 'STREAMFOLD_CONSUMER',
    unit: 'text',
    ...text(/^[A-Za-z0-9_\-.:/@]{1,128}$/, '1 to 128 characters of A-Z a-z 0-9 _ - . : / @'),
    defaultInWords: 'host, pid and a random part',
    help: "name of this aggregator's consumers; must be its own",
    reason:
      'with a name that outlives a restart, what was pending is folded at once instead of after the claim time',
  },
  role: {
    flag: '--role',
    argument: 'role',
    variable: 'STREAMFOLD_ROLE',
    unit: 'word',
    ...oneOf('all', 'fold', 'serve'),
    byDefault: 'all',
    help: 'fold and serve (all), only fold, or only serve',
    reason: 'at least one aggregator must serve the metrics',
  },
  claimIdleMs: {
    flag: '--claim-idle-ms',
    argument: 'ms',
    variable: 'STREAMFOLD_CLAIM_IDLE_MS',
    unit: 'ms',
    ...wholeNumber(100, 86_400_000),
    byDefault: 30_000,
    help: 'after how long what a silent aggregator left pending is taken over',
    reason:
      'longer than any pause of a healthy process; too short costs contested batches, never a wrong count',
  },
  batchEntries: {
    flag: '--batch-entries',
    argument: 'n',
    variable: 'STREAMFOLD_BATCH_ENTRIES',
    unit: 'entries',
    ...wholeNumber(1, 10_000),
    byDefault: 2_000,
    help: 'most entries in one commit',
    reason: 'a commit of 2,000 entries holds Redis for some 3 ms',
  },
  deadLettersMost: {
    flag: '--dead-letters-most',
    argument: 'n',
    variable: 'STREAMFOLD_DEAD_LETTERS_MOST',
    unit: 'dead letters',
    ...wholeNumber(1, 100_000_000),
    byDefault: 100_000,
    help: 'most dead letters kept on a shard; the oldest ones beyond are dropped',
    reason: 'a publisher that goes wrong must not fill Redis: one takes about 1.3 kB, these some 130 MB',
  },
  monitorGraceMs: {
    flag: '--monitor-grace-ms',
    argument: 'ms',
    variable: 'STREAMFOLD_MONITOR_GRACE_MS',
    unit: 'ms',
    ...wholeNumber(0, 3_600_000),
    byDefault: 15_000,
    help: 'after an outage of the monitors or of Redis, nothing is overdue for this long',
    reason:
      'long enough for every coordinator that lives to beat again; an outage of ours is no mass death of theirs',
  },
  ...REBUILD_SETTINGS,
  logLevel: {
    flag: '--log-level',
    argument: 'level',
    variable: 'STREAMFOLD_LOG_LEVEL',
    unit: 'word',
    ...oneOf('debug', 'info', 'warn', 'error'),
    byDefault: 'info',
    help: 'least level that is logged',
    reason: 'info tells of starts, ends and troubles; debug of every batch',
  },
  json: {
    flag: '--json',
    variable: 'STREAMFOLD_JSON',
    unit: 'true or false',
    ...oneOf('true', 'false'),
    byDefault: 'false',
    help: 'print JSON',
    reason: 'for programs that read the output',
  },
  stdin: {
    flag: '--stdin',
    variable: 'STREAMFOLD_STDIN',
    unit: 'true or false',
    ...oneOf('true', 'false'),
    byDefault: 'false',
    help: 'read events from standard input: NDJSON, one event a line',
    reason: 'for many events at once',
  },
  seconds: {
    flag: '--seconds',
    argument: 'n',
    variable: 'STREAMFOLD_SECONDS',
    unit: 's',
    ...wholeNumber(1, 86_400),
    defaultInWords: 'until Ctrl-C',
    help: 'end after this time',
    reason: 'for trying it in a script',
  },
  coordinatorsOnly: {
    flag: '--coordinators-only',
    variable: 'STREAMFOLD_COORDINATORS_ONLY',
    unit: 'true or false',
    ...oneOf('true', 'false'),
    byDefault: 'false',
    help: 'only the swarm, in the Redis that is configured; aggregators are yours',
    reason: 'where Redis and aggregators run by themselves, as in infra/compose.yaml',
  },
  endedForHours: {
    flag: '--ended-for-hours',
    argument: 'h',
    variable: 'STREAMFOLD_ENDED_FOR_HOURS',
    unit: 'h',
    ...wholeNumber(0, 87_600),
    byDefault: 24,
    help: 'for how long what a coordinator left is kept after its last life',
    reason:
      'a day leaves time to take over what they left; aggregators and `streamfold cleanup` remove it then',
  },
  dryRun: {
    flag: '--dry-run',
    variable: 'STREAMFOLD_DRY_RUN',
    oneShot: true,
    unit: 'true or false',
    ...oneOf('true', 'false'),
    byDefault: 'false',
    help: 'only say what would be done; writes nothing',
    reason: 'to look first',
  },
  ...ARCHIVE_SETTINGS,
  limit: {
    flag: '--limit',
    argument: 'n',
    variable: 'STREAMFOLD_LIMIT',
    unit: 'dead letters',
    ...wholeNumber(1, 1_000_000),
    byDefault: 100,
    help: 'most dead letters listed',
    reason: 'a screen or two',
  },
  reason: {
    flag: '--reason',
    argument: 'reason',
    variable: 'STREAMFOLD_REASON',
    oneShot: true,
    unit: 'word',
    ...oneOf(...DEAD_LETTER_REASONS),
    defaultInWords: 'any',
    help: 'only dead letters with this reason',
    reason: 'one fix usually mends one reason',
  },
  replica: {
    flag: '--replica',
    argument: 'url',
    variable: 'STREAMFOLD_REPLICA',
    repeatable: true,
    unit: 'URLs, separated by commas',
    schema: z
      .string()
      .transform((given) => given.split(','))
      .refine((urls) => urls.every((url) => /^https?:\/\/[^\s/]/.test(url) && URL.canParse(url))),
    expected: 'URLs of aggregators such as http://127.0.0.1:3000, separated by commas',
    defaultInWords: 'none',
    help: 'compare also what this aggregator serves; may be given more than once',
    reason: 'aggregators must show the same: ask each of them, not the load balancer',
  },
  all: {
    flag: '--all',
    variable: 'STREAMFOLD_ALL',
    oneShot: true,
    unit: 'true or false',
    ...oneOf('true', 'false'),
    byDefault: 'false',
    help: 'all dead letters',
    reason: 'must be said: nothing is retried or dropped by omission',
  },
  ...BACKFILL_SETTINGS,
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** The option of a setting, for the command line. Its value is parsed by `resolveConfiguration`. */
export function toOption(name: SettingName): Option {
  const setting: Setting = SETTINGS[name];
  const argument = setting.argument === undefined ? '' : ` <${setting.argument}>`;
  const byDefault = setting.defaultInWords ?? String(setting.byDefault);
  const shownDefault = setting.argument === undefined ? '' : `, default ${byDefault}`;
  const source = setting.oneShot === true ? 'only on the command line' : setting.variable;
  const option = new Option(`${setting.flag}${argument}`, `${setting.help} (${source}${shownDefault})`);
  if (setting.repeatable === true)
    option.argParser((value: string, before: string | undefined) =>
      before === undefined ? value : `${before},${value}`,
    );
  return option;
}
