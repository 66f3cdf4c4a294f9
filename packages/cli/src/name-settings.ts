import type { ConfigurationError } from '@streamfold/redis';
import type { Setting } from './setting.ts';
import { SETTINGS, type SettingName } from './settings.ts';

/** Options of the packages that have another name than their setting. */
const SETTING_OF: Readonly<Record<string, SettingName>> = {
  'Redis URL': 'redis',
  redisUrl: 'redis',
  url: 'redis',
  begin_new: 'beginNew',
  discard_unrecorded: 'discardUnrecorded',
  'durability.disk': 'waitDisk',
  fromMs: 'from',
  untilMs: 'until',
  stepSeconds: 'step',
};

/** The text of the error, with the names that the user of the command line gives: variables and flags. */
export function nameSettings({ message, options }: ConfigurationError): string {
  const written = options.join(', ');
  if (options.length === 0 || !message.startsWith(written)) return message;
  return `${options.map(nameSetting).join(', ')}${message.slice(written.length)}`;
}

function nameSetting(option: string): string {
  const setting = (SETTINGS as Readonly<Record<string, Setting>>)[SETTING_OF[option] ?? option];
  if (setting === undefined) return option;
  return setting.oneShot === true ? setting.flag : `${setting.variable} (${setting.flag})`;
}
