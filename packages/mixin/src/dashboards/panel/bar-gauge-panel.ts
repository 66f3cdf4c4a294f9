import {
  BarGaugeDisplayMode,
  ReduceDataOptionsBuilder,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import { DATASOURCE } from '../dashboard-variables.ts';
import { buildInstantQueries } from './build-queries.ts';
import { buildThresholds } from './build-thresholds.ts';
import type { PanelSpec } from './panel-spec.ts';

/** A bar for each series, as of now: for a comparison of a few. */
export function barGaugePanel(spec: PanelSpec): PanelBuilder {
  const { title, description, unit, queries, width, height, thresholds } = spec;
  const panel = new PanelBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .span(width)
    .height(height)
    .unit(unit)
    .min(0)
    .targets(buildInstantQueries(queries))
    .thresholds(buildThresholds(thresholds))
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Gradient)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false));
  if (spec.link !== undefined) panel.dataLinks([spec.link]);
  return panel;
}
