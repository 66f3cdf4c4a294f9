export { defineConfig, type StreamfoldConfiguration } from './define-config.ts';
export type { Setting } from './setting.ts';
export { SETTINGS, type SettingName } from './settings.ts';
