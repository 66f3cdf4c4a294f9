import type { DashboardLinkBuilder, Threshold } from '@grafana/grafana-foundation-sdk/dashboard';

/** A query in PromQL and what its series are called, as Grafana has it: `{{label}}` stands for the label's value. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** What every panel says. */
export interface PanelSpec {
  readonly title: string;
  /** What it means, and what to make of it. */
  readonly description: string;
  /** A unit of Grafana's. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Columns of 24, and rows. */
  readonly width: number;
  readonly height: number;
  /** The colour from each value on, ascending; the first is from the beginning: `null`. */
  readonly thresholds?: readonly Threshold[];
  /** Colours of series by name. */
  readonly colors?: Readonly<Record<string, string>>;
  /** Texts that are shown instead of these values. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Where a click on a value leads. */
  readonly link?: DashboardLinkBuilder;
}
