import type { DashboardLinkBuilder, Threshold } from '@grafana/grafana-foundation-sdk/dashboard';

/** A PromQL query and the legend of its series in Grafana's form: `{{label}}` stands for the label's value. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** The properties of every panel. */
export interface PanelSpec {
  readonly title: string;
  /** Its meaning, and how to read it. */
  readonly description: string;
  /** A Grafana unit. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Columns of 24, and rows. */
  readonly width: number;
  readonly height: number;
  /** The colour from each value on, ascending; the first row has `null` and covers everything below. */
  readonly thresholds?: readonly Threshold[];
  /** Colours of series by name. */
  readonly colors?: Readonly<Record<string, string>>;
  /** Texts that are shown instead of these values. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Where a click on a value leads. */
  readonly link?: DashboardLinkBuilder;
}
