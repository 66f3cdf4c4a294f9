export { SETTINGS, type Setting, type SettingName } from './settings.ts';
