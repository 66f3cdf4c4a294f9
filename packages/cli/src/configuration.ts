import { ConfigurationError, redactUrl } from '@streamfold/redis';
import { parseSetting } from './parse-setting.ts';
import { describeExpected, type Setting, type SettingValue } from './setting.ts';
import { SETTINGS, type SettingName } from './settings.ts';

/** Parsed values of the settings. */
export type Configuration = {
  readonly [Name in SettingName]: SettingValue<(typeof SETTINGS)[Name]>;
} & {
  /** Settings given by a flag or a variable; the others have their default. */
  readonly given: ReadonlySet<string>;
};

/**
 * The configuration from flags and environment, frozen; flags win.
 *
 * @param taken the settings that the command takes. A variable of a one-shot flag among them is refused: it would drop,
 *   force or skip something in every run, even if the user did not ask for it in this one.
 * @throws {ConfigurationError} one line that says what was expected and what arrived.
 */
export function resolveConfiguration(
  flags: Readonly<Record<string, string | boolean | undefined>>,
  environment: Readonly<Record<string, string | undefined>>,
  taken: ReadonlySet<string>,
): Configuration {
  const given = new Set<string>();
  const values: Record<string, unknown> = { given };
  for (const [name, setting] of Object.entries<Setting>(SETTINGS)) {
    const flag = flags[name];
    const variable = environment[setting.variable] ?? '';
    if (setting.oneShot === true && variable !== '' && taken.has(name))
      throw refuseVariable(setting, variable);
    const text = flag === undefined ? readVariable(setting, variable) : String(flag);
    if (text === '') values[name] = defaultOf(setting);
    else {
      values[name] = parse(setting, text);
      given.add(name);
    }
  }
  return Object.freeze(values) as Configuration; // each is parsed by the kind that its type is derived from
}

function readVariable({ oneShot }: Setting, variable: string): string {
  return oneShot === true ? '' : variable;
}

function refuseVariable({ variable, flag, argument }: Setting, came: string): ConfigurationError {
  const expected = argument === undefined ? flag : `${flag} <${argument}>`;
  return new ConfigurationError(
    `${variable}: expected ${expected} on the command line only; got the variable, ${JSON.stringify(came)}: unset it`,
  );
}

function defaultOf(setting: Setting): unknown {
  switch (setting.kind) {
    case 'flag':
      return false;
    case 'number':
      return setting.byDefault ?? 0;
    case 'word':
    case 'text':
    case 'time':
    case 'labels':
    case 'urls':
      return setting.byDefault ?? '';
  }
}

function parse(setting: Setting, text: string): unknown {
  const parsed = parseSetting(setting, text);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    `${setting.variable} (${setting.flag}): expected ${describeExpected(setting)}; got ${JSON.stringify(redactUrl(text))}`,
  );
}
