/** A rule that records an expression as a series, named `level:metric:operation`. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** How soon somebody must look: now and at night, within the day, or when there is time. */
export type Severity = 'critical' | 'warning' | 'info';

/** Subject of an alert: a critical alert inhibits the warnings of the same subject. */
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

/** A rule that alerts once an expression has had a value for a given time. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: Severity; readonly subject: Subject };
  readonly annotations: {
    readonly summary: string;
    /** Shows the values, with Prometheus's templates. */
    readonly description: string;
    readonly runbook_url: string;
    readonly dashboard_url: string;
  };
}

/** Rules that are evaluated in order, with the same timestamp. */
export interface RuleGroup<Rule> {
  readonly name: string;
  readonly rules: readonly Rule[];
}
