import { Option } from 'commander';
import type { Setting } from './setting.ts';
import { SETTINGS, type SettingName } from './settings.ts';

/** The command-line option of a setting. `resolveConfiguration` parses its value. */
export function toOption(name: SettingName): Option {
  const setting: Setting = SETTINGS[name];
  const argument = setting.argument === undefined ? '' : ` <${setting.argument}>`;
  const source = setting.oneShot === true ? 'only on the command line' : setting.variable;
  const help = `${setting.help} (${source}${describeDefault(setting)})`;
  const option = new Option(`${setting.flag}${argument}`, help);
  if (setting.repeatable === true)
    option.argParser((value: string, before: string | undefined) =>
      before === undefined ? value : `${before},${value}`,
    );
  return option;
}

/** A flag without a value is off unless it is given, which the help need not say. */
function describeDefault(setting: Setting): string {
  if (setting.kind === 'flag') return '';
  return `, default ${setting.defaultInWords ?? setting.byDefault ?? ''}`;
}
