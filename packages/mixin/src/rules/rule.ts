/** A rule that records an expression as a series, named `level:metric:operation`. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** How soon somebody must look: now and at night, within the day, or when there is time. */
export type Severity = 'critical' | 'warning' | 'info';

/** What an alert is about: where something of it is critical, its warnings say nothing more. */
type Subject =
  | 'coordinators'
  | 'waits'
  | 'signals'
  | 'timeouts'
  | 'scraping'
  | 'folding'
  | 'entries'
  | 'events'
  | 'definitions'
  | 'health';

/** A rule that alerts while an expression has a value, for so long. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: Severity; readonly subject: Subject };
  readonly annotations: {
    readonly summary: string;
    /** Says the values, by Prometheus's templates. */
    readonly description: string;
    readonly runbook_url: string;
    readonly dashboard_url: string;
  };
}

/** Rules that are evaluated one after the other, at the same time of the clock. */
export interface RuleGroup<Rule> {
  readonly name: string;
  readonly rules: readonly Rule[];
}
