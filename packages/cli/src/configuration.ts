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
  readonly deadLettersMost: number;
  readonly monitorGraceMs: number;
  readonly generationGraceMs: number;
  /** Path of the configuration file; empty: the one in the working directory, if there is one. */
  readonly config: string;
  readonly force: boolean;
  readonly acceptLostState: boolean;
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
  readonly adopt: boolean;
  readonly beginNew: boolean;
  readonly discardUnrecorded: boolean;
  /** Empty: AWS's. */
  readonly s3Endpoint: string;
  /** Empty: as AWS's tools find it. */
  readonly s3Region: string;
  readonly s3PathStyle: boolean;
  readonly limit: number;
  /** Empty: any. */
  readonly reason: string;
  /** URLs of aggregators; empty: none. */
  readonly replica: readonly string[] | '';
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
 * @param taken the settings that the command takes. A variable of a one-shot flag among them is refused: it would drop,
 *   force or skip something in every run, although nobody asked for it in this one.
 * @throws {ConfigurationError} one line that says what was expected and what came.
 */
export function resolveConfiguration(
  flags: Readonly<Record<string, string | boolean | undefined>>,
  environment: Readonly<Record<string, string | undefined>>,
  taken: ReadonlySet<string>,
): Configuration {
  const values: Record<string, unknown> = {};
  const names = new Set<string>();
  for (const [name, setting] of Object.entries<Setting>(SETTINGS)) {
    const flag = flags[name];
    const variable = environment[setting.variable] ?? '';
    if (setting.oneShot === true && variable !== '' && taken.has(name))
      throw refuseVariable(setting, variable);
    const given = flag === undefined ? readVariable(setting, variable) : String(flag);
    if (given === '') values[name] = defaultOf(setting);
    else {
      values[name] = parse(setting, given);
      names.add(name);
    }
  }
  return Object.freeze({ ...values, given: names }) as unknown as Configuration;
}

function readVariable({ oneShot }: Setting, variable: string): string {
  return oneShot === true ? '' : variable;
}

function refuseVariable({ variable, flag, argument }: Setting, came: string): ConfigurationError {
  const expected = argument === undefined ? flag : `${flag} <${argument}>`;
  return new ConfigurationError(
    `${variable}: expected ${expected} on the command line, the only place where it counts; got the variable, ${JSON.stringify(came)}: unset it`,
  );
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
