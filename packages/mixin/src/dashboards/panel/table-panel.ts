import { TableSortByFieldStateBuilder } from '@grafana/grafana-foundation-sdk/common';
import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/table';
import { buildInstantQueries } from './build-queries.ts';
import { describePanel } from './describe-panel.ts';
import type { PanelSpec, Query } from './panel-spec.ts';

/** A column of numbers: the value of its query for each row, titled with the query's legend. */
export interface Column extends Query {
  readonly unit: string;
  /** The colour of the number from each value on. */
  readonly thresholds?: PanelSpec['thresholds'];
}

/** A row for each value of one or several labels, a column for each query. The first column has a link. */
export function tablePanel({
  labels,
  columns,
  link,
  sortedBy,
  ...spec
}: Omit<PanelSpec, 'queries' | 'unit'> & {
  readonly labels: readonly string[];
  readonly columns: readonly Column[];
  /** The column whose largest number is on top. */
  readonly sortedBy?: string;
}): PanelBuilder {
  const names = columns.map(
    ({ legend }, at) => [`Value #${String.fromCharCode('A'.charCodeAt(0) + at)}`, legend] as const,
  );
  const order = [...labels, ...names.map(([name]) => name)];
  const panel = describePanel(new PanelBuilder(), { ...spec, unit: 'none' })
    .filterable(true)
    .targets(buildInstantQueries(columns, 'table'))
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries(order.map((name, at) => [name, at])),
        renameByName: Object.fromEntries(names),
      },
    });
  for (const { legend, unit, thresholds } of columns)
    panel.overrideByName(legend, [{ id: 'unit', value: unit }, ...colorText(thresholds)]);
  if (sortedBy !== undefined)
    panel.sortBy([new TableSortByFieldStateBuilder().displayName(sortedBy).desc(true)]);
  if (link !== undefined && labels[0] !== undefined)
    panel.overrideByName(labels[0], [{ id: 'links', value: [link.build()] }]);
  return panel;
}

function colorText(steps: PanelSpec['thresholds']): DynamicConfigValue[] {
  if (steps === undefined) return [];
  return [
    { id: 'thresholds', value: { mode: 'absolute', steps } },
    { id: 'custom.cellOptions', value: { type: 'color-text' } },
  ];
}
