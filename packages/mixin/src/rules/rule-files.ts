import { stringify } from 'yaml';
import { coordinationAlerts } from './coordination-alerts.ts';
import { healthAlerts } from './health-alerts.ts';
import { pipelineAlerts } from './pipeline-alerts.ts';
import { recordingGroups } from './recording-rules.ts';
import { createRuleContext, type RuleOptions } from './rule-options.ts';
import type { AlertRule, RecordingRule, RuleGroup } from './rule.ts';

/**
 * The rule files of Prometheus: path from the root and text of each. The alerts read the series of the recording rules,
 * so load all files. Options change the rules for a test: shorter windows, or other thresholds.
 */
export function ruleFiles(options: RuleOptions = {}): ReadonlyMap<string, string> {
  const context = createRuleContext(options);
  return new Map([
    ['alerts/recording.yml', render(recordingGroups(context))],
    ['alerts/blocking-coordination.yml', render([coordinationAlerts(context)])],
    ['alerts/streamfold.yml', render([pipelineAlerts(context), healthAlerts(context)])],
  ]);
}

/** The name of every alert, each once. */
export function alertNames(): readonly string[] {
  const context = createRuleContext({});
  const groups = [coordinationAlerts(context), pipelineAlerts(context), healthAlerts(context)];
  return [...new Set(groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)))];
}

const HEADER = '# Written by `npm run mixin` from packages/mixin; change it there.\n';

function render(groups: readonly RuleGroup<AlertRule | RecordingRule>[]): string {
  return HEADER + stringify({ groups }, { lineWidth: 0 });
}
