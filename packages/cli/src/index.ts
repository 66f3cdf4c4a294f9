export { defineConfig, type StreamfoldConfiguration } from './define-config.ts';
export { SETTINGS, type Setting, type SettingName } from './settings.ts';
