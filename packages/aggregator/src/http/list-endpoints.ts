import type { Middleware } from 'koa';

/** The metrics of the swarm, which an aggregator that only folds does not serve. */
const SWARM_METRICS = [
  '/prometheus/metrics',
  'metrics of the swarm, for Prometheus: scrape one aggregator, or a load balancer',
] as const;

/** The other endpoints, which every aggregator has. */
const ENDPOINTS = [
  ['/prometheus/health', 'health of this aggregator, with reasons, as JSON'],
  ['/metrics', 'metrics of this process, for Prometheus: scrape each aggregator'],
  ['/livez', '200 while the process runs'],
  ['/readyz', '200 if this aggregator is ready, 503 with the reason if not'],
] as const;

const FOLDS_ONLY = 'This aggregator only folds: the metrics of the swarm are at one that serves.';

/** `GET /`: the endpoints, one line each, as plain text; as HTML if the client prefers that, as browsers do. */
export function listEndpoints(serves: boolean): Middleware {
  const [text, html] = serves
    ? [renderText(''), renderHtml('')]
    : [renderText(`\n${FOLDS_ONLY}\n`), renderHtml(`<p>${FOLDS_ONLY}</p>\n`)];
  return (context) => {
    context.vary('Accept');
    if (context.accepts(['text/plain', 'text/html']) === 'text/html') {
      context.type = 'text/html';
      context.body = html;
      return;
    }
    context.type = 'text/plain';
    context.body = text;
  };

  function listed(): readonly (readonly [path: string, what: string])[] {
    return serves ? [SWARM_METRICS, ...ENDPOINTS] : ENDPOINTS;
  }

  function renderText(note: string): string {
    return `Streamfold aggregator\n\n${listed()
      .map(([path, what]) => `${path.padEnd(21)}${what}\n`)
      .join('')}${note}`;
  }

  function renderHtml(note: string): string {
    return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Streamfold aggregator</title></head>
<body>
<h1>Streamfold aggregator</h1>
<ul>
${listed()
  .map(([path, what]) => `<li><a href="${path}">${path}</a>: ${what}</li>`)
  .join('\n')}
</ul>
${note}</body>
</html>
`;
  }
}
