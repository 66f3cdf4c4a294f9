import { readFileSync } from 'node:fs';

const STEP_SECONDS = 5;

/**
 * The dashboard with the answers of a Prometheus to the queries of its panels: every variable selects all, and the range
 * ends now.
 */
export async function queryPanels(file, { prometheusUrl, shownSeconds }) {
  const { title, templating, panels } = JSON.parse(readFileSync(file, 'utf8'));
  const end = Math.floor(Date.now() / 1_000);
  const range = { start: end - shownSeconds, end, step: STEP_SECONDS };
  const ask = async ({ expr, instant, legendFormat }) => {
    const query = expr
      .replaceAll('$__rate_interval', '1m')
      .replaceAll('$__range', `${shownSeconds}s`)
      .replace(
        /\$\w+(?=")/g,
        (name) => templating.list.find((each) => `$${each.name}` === name)?.allValue ?? name,
      );
    const parameters = instant ? { query, time: end } : { query, ...range };
    const address = `${prometheusUrl}/api/v1/${instant ? 'query' : 'query_range'}?${new URLSearchParams(parameters)}`;
    const { data, error } = await (await fetch(address)).json();
    if (data === undefined) throw new Error(`expected an answer to ${query}; got ${error}`);
    return data.result.map(({ metric, value, values = [value] }) => ({
      labels: metric,
      legend: legendFormat,
      name: legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? ''),
      values: values.map(([at, number]) => [at, Number(number)]),
    }));
  };
  const answered = [];
  for (const panel of panels) {
    const answers = await Promise.all((panel.targets ?? []).map(ask));
    answered.push({ ...panel, series: answers.flat() });
  }
  const variables = templating.list.map(({ label, type }) => ({
    label,
    value: type === 'datasource' ? 'Prometheus' : 'All',
  }));
  return { title, variables, range, panels: answered };
}
