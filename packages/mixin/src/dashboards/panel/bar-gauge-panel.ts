import {
  BarGaugeDisplayMode,
  ReduceDataOptionsBuilder,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import { buildInstantQueries } from './build-queries.ts';
import { buildThresholds } from './build-thresholds.ts';
import { describePanel } from './describe-panel.ts';
import type { PanelSpec } from './panel-spec.ts';

/** A bar for the current value of each series, to compare a few. */
export function barGaugePanel(spec: PanelSpec): PanelBuilder {
  const { queries, thresholds, link } = spec;
  const panel = describePanel(new PanelBuilder(), spec)
    .min(0)
    .targets(buildInstantQueries(queries))
    .thresholds(buildThresholds(thresholds))
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Gradient)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false));
  if (link !== undefined) panel.dataLinks([link]);
  return panel;
}
