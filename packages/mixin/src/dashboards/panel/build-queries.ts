import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { DATASOURCE } from '../dashboard-variables.ts';
import type { Query } from './panel-spec.ts';

/** Queries over the shown time range, named A, B, C. */
export function buildQueries(queries: readonly Query[]): DataqueryBuilder[] {
  return queries.map((query, at) => buildQuery(query, at).range());
}

/** Instant queries at the end of the range. `table`: a column for each label. */
export function buildInstantQueries(
  queries: readonly Query[],
  format: 'time_series' | 'table' = 'time_series',
): DataqueryBuilder[] {
  const shape = format === 'table' ? PromQueryFormat.Table : PromQueryFormat.TimeSeries;
  return queries.map((query, at) => buildQuery(query, at).instant().format(shape));
}

function buildQuery({ expr, legend }: Query, at: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .refId(String.fromCharCode('A'.charCodeAt(0) + at))
    .datasource(DATASOURCE)
    .expr(expr)
    .legendFormat(legend);
}
