import type { DashboardJson } from './read-dashboards.ts';

/** The values chosen on a dashboard, by variable; All for a variable that is not named. */
export type Choice = Readonly<Record<string, readonly string[]>>;

/** Durations in place of Grafana's own variables. */
export interface Durations {
  readonly rateInterval: string;
  readonly range: string;
}

/**
 * A query as Grafana sends it to Prometheus. All is the `allValue` of the variable; chosen values are escaped as a
 * regular expression inside a string, and several values become `(a|b)`.
 *
 * @see https://grafana.com/docs/grafana/latest/dashboards/variables/variable-syntax/
 */
export function interpolateQuery(
  text: string,
  { templating }: Pick<DashboardJson, 'templating'>,
  { durations, choice = {} }: { durations: Durations; choice?: Choice },
): string {
  return text.replace(/\$(?:\{(\w+)\}|([a-zA-Z_]\w*))/g, (whole, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? '';
    if (name === '__rate_interval') return durations.rateInterval;
    if (name === '__range') return durations.range;
    const variable = templating.list.find((each) => each.name === name);
    if (variable === undefined)
      throw new Error(`expected a variable of the dashboard; got ${whole} in ${text}`);
    const chosen = choice[name];
    if (chosen === undefined) return variable.allValue ?? '';
    const escaped = chosen.map((value) => value.replace(/[$^*{}[\]'+?.()|]/g, String.raw`\\$&`));
    return escaped.length === 1 ? (escaped[0] ?? '') : `(${escaped.join('|')})`;
  });
}
