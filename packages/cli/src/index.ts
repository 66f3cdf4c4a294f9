export { defineConfig, type StreamfoldConfiguration } from './define-config.ts';
export { parseSetting } from './parse-setting.ts';
export { describeDefault, describeExpected, describeUnit, type Setting } from './setting.ts';
export { SETTINGS, type SettingName } from './settings.ts';
