import {
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { buildMappings } from './build-mappings.ts';
import { buildQueries } from './build-queries.ts';
import { buildThresholds, fixedColor } from './build-thresholds.ts';
import { describePanel } from './describe-panel.ts';
import type { PanelSpec } from './panel-spec.ts';

/** Values over time, from 0 up. `stacked`: areas on top of each other. Thresholds are dashed lines. */
export function timeSeriesPanel(spec: PanelSpec & { readonly stacked?: boolean }): PanelBuilder {
  const { queries, thresholds, colors = {}, texts, link, stacked = false } = spec;
  const panel = describePanel(new PanelBuilder(), spec)
    .min(0)
    .targets(buildQueries(queries))
    .lineWidth(stacked ? 1 : 2)
    .lineInterpolation(LineInterpolation.Linear)
    .fillOpacity(stacked ? 35 : 8)
    .showPoints(VisibilityMode.Never)
    .thresholds(buildThresholds(thresholds))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
  if (stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (thresholds !== undefined)
    panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  if (texts !== undefined) panel.mappings(buildMappings(texts));
  for (const [name, color] of Object.entries(colors)) panel.overrideByName(name, fixedColor(color));
  if (link !== undefined) panel.dataLinks([link]);
  return panel;
}
