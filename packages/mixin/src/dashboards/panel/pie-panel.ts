import {
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  TooltipDisplayMode,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  PanelBuilder,
  PieChartLabels,
  PieChartLegendOptionsBuilder,
  PieChartLegendValues,
  PieChartType,
} from '@grafana/grafana-foundation-sdk/piechart';
import { buildInstantQueries } from './build-queries.ts';
import { fixedColor } from './build-thresholds.ts';
import { describePanel } from './describe-panel.ts';
import type { PanelSpec } from './panel-spec.ts';

/** Current shares of a whole. */
export function piePanel(spec: PanelSpec): PanelBuilder {
  const { queries, colors = {} } = spec;
  const panel = describePanel(new PanelBuilder(), spec)
    .targets(buildInstantQueries(queries))
    .pieType(PieChartType.Donut)
    .displayLabels([PieChartLabels.Name, PieChartLabels.Value])
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .legend(
      new PieChartLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Right)
        .showLegend(true)
        .values([PieChartLegendValues.Value, PieChartLegendValues.Percent]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Single));
  for (const [name, color] of Object.entries(colors)) panel.overrideByName(name, fixedColor(color));
  return panel;
}
