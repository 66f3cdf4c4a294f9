import { ConfigurationError, redactUrl } from '@streamfold/redis';
import type { Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';

/** Values of settings after parsing. */
export interface Configuration {
  readonly redis: string;
  readonly prefix: string;
  readonly shards: number;
  readonly host: string;
  readonly port: number;
  /** Empty: to be made up. */
  readonly consumer: string;
  readonly role: 'all' | 'fold' | 'serve';
  readonly claimIdleMs: number;
  readonly batchEntries: number;
  readonly monitorGraceMs: number;
  readonly generationGraceMs: number;
  /** Path of the configuration file; empty: the one in the working directory, if there is one. */
  readonly config: string;
  readonly force: boolean;
  readonly cancel: boolean;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly json: boolean;
  readonly stdin: boolean;
  /** 0: no end. */
  readonly seconds: number;
  readonly coordinatorsOnly: boolean;
  readonly endedForHours: number;
  readonly dryRun: boolean;
  /** Empty: none. */
  readonly archive: string;
  readonly archiveEverySeconds: number;
  readonly archiveAfterSeconds: number;
  readonly retentionHours: number;
  readonly acceptGap: boolean;
  /** Empty: AWS's. */
  readonly s3Endpoint: string;
  /** Empty: as AWS's tools find it. */
  readonly s3Region: string;
  readonly s3PathStyle: boolean;
  readonly limit: number;
  /** Empty: any. */
  readonly reason: string;
  readonly all: boolean;
  readonly step: number;
  /** ms since 1970; empty: the beginning of the log. */
  readonly from: number | '';
  /** ms since 1970; empty: now. */
  readonly until: number | '';
  /** Names, separated by commas; empty: all. */
  readonly metrics: string;
  /** Empty: the job of the configuration of Prometheus that comes with this. */
  readonly labels: ReadonlyMap<string, string> | '';
  /** Empty: standard output. */
  readonly output: string;
  /** Settings that a flag or a variable gave; the others have their default. */
  readonly given: ReadonlySet<string>;
}

/**
 * The configuration that flags and environment give, frozen; flags win.
 *
 * @throws {ConfigurationError} one line that says what was expected and what came.
 */
export function resolveConfiguration(
  flags: Readonly<Record<string, string | boolean | undefined>>,
  environment: Readonly<Record<string, string | undefined>>,
): Configuration {
  const values: Record<string, unknown> = {};
  const names = new Set<string>();
  for (const [name, setting] of Object.entries<Setting>(SETTINGS)) {
    const flag = flags[name];
    const given = flag === undefined ? environment[setting.variable] : String(flag);
    if (given === undefined || given === '') values[name] = defaultOf(setting);
    else {
      values[name] = parse(setting, given);
      names.add(name);
    }
  }
  return Object.freeze({ ...values, given: names }) as unknown as Configuration;
}

function defaultOf({ argument, byDefault, unit }: Setting): unknown {
  if (argument === undefined) return byDefault === 'true';
  return byDefault ?? (unit === 's' ? 0 : '');
}

function parse(setting: Setting, given: string): unknown {
  const { schema, expected, variable, flag, argument } = setting;
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    throw new ConfigurationError(
      `${variable} (${flag}): expected ${expected}; got ${JSON.stringify(redactUrl(given))}`,
    );
  }
  return argument === undefined ? parsed.data === 'true' : parsed.data;
}
