import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';
import { DATASOURCE } from '../dashboard-variables.ts';
import type { PanelSpec } from './panel-spec.ts';

/** The methods that the builders of all kinds of panels have. */
interface AnyPanelBuilder {
  title(title: string): this;
  description(description: string): this;
  datasource(datasource: DataSourceRef): this;
  span(columns: number): this;
  height(rows: number): this;
  unit(unit: string): this;
}

/** Sets the title, description, data source and size of a panel of any kind. */
export function describePanel<Builder extends AnyPanelBuilder>(
  panel: Builder,
  { title, description, unit, width, height }: Omit<PanelSpec, 'queries'>,
): Builder {
  return panel
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .span(width)
    .height(height)
    .unit(unit);
}
