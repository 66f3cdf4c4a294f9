export type { Setting } from './setting.ts';
export { SETTINGS, type SettingName } from './settings.ts';
