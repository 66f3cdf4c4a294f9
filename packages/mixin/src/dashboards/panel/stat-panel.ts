import {
  BigValueColorMode,
  BigValueGraphMode,
  ReduceDataOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { FieldColorBuilder, FieldColorModeId } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { buildInstantQueries, buildQueries } from './build-queries.ts';
import { buildThresholds } from './build-thresholds.ts';
import { describePanel } from './describe-panel.ts';
import type { PanelSpec } from './panel-spec.ts';

/** The latest value, coloured by the thresholds, above a sparkline. `momentary`: an instant query, without sparkline. */
export function statPanel(spec: PanelSpec & { readonly momentary?: boolean }): PanelBuilder {
  const { queries, thresholds, link, momentary = false } = spec;
  const panel = describePanel(new PanelBuilder(), spec)
    .targets(momentary ? buildInstantQueries(queries) : buildQueries(queries))
    .thresholds(buildThresholds(thresholds))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .colorMode(BigValueColorMode.Value)
    .graphMode(momentary ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false));
  if (link !== undefined) panel.dataLinks([link]);
  return panel;
}
