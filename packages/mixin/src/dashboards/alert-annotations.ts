import { AnnotationQueryBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Severity } from '../rules/rule.ts';
import { DATASOURCE } from './dashboard-variables.ts';

const SEVERITY_COLORS: Readonly<Record<Severity, string>> = {
  critical: 'red',
  warning: 'orange',
  info: 'blue',
};

/** Marks the times at which alerts were firing, in a colour for each severity. */
export function alertAnnotations(alertNames: readonly string[]): AnnotationQueryBuilder[] {
  return Object.entries(SEVERITY_COLORS).map(([severity, color]) =>
    new AnnotationQueryBuilder()
      .name(`Alerts: ${severity}`)
      .datasource(DATASOURCE)
      .enable(true)
      .hide(false)
      .iconColor(color)
      .expr(`ALERTS{alertname=~"${alertNames.join('|')}", alertstate="firing", severity="${severity}"}`)
      .step('15s')
      .titleFormat('{{alertname}}')
      .textFormat(`${severity}: {{swarm_id}} {{status}} {{signal_type}} {{timeout_type}} {{instance}}`)
      .tagKeys('alertname,severity'),
  );
}
