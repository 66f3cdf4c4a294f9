import { dashboardFiles } from './dashboards/dashboard-files.ts';
import { alertNames, ruleFiles } from './rules/rule-files.ts';

/**
 * Every file of the mixin: its path from the repository's root, and its text. `npm run mixin` writes them, and they are
 * committed; do not edit them by hand.
 */
export function mixinFiles(): ReadonlyMap<string, string> {
  return new Map([...ruleFiles(), ...dashboardFiles(alertNames())]);
}
