import type { Middleware } from 'koa';

/** The endpoints, shown at the address of an aggregator. */
const ENDPOINTS = [
  ['/prometheus/metrics', 'metrics of the swarm, for Prometheus: scrape one aggregator, or a load balancer'],
  ['/prometheus/health', 'health of this aggregator, with reasons, as JSON'],
  ['/metrics', 'metrics of this process, for Prometheus: scrape each aggregator'],
  ['/livez', '200 while the process runs'],
  ['/readyz', '200 if this aggregator is ready, 503 with the reason if not'],
] as const;

/** `GET /`: the endpoints, one line each, as plain text; as HTML if the client prefers that, as browsers do. */
export const listEndpoints: Middleware = (context) => {
  context.vary('Accept');
  if (context.accepts(['text/plain', 'text/html']) === 'text/html') {
    context.type = 'text/html';
    context.body = HTML;
    return;
  }
  context.type = 'text/plain';
  context.body = TEXT;
};

const TEXT = `Streamfold aggregator\n\n${ENDPOINTS.map(([path, what]) => `${path.padEnd(21)}${what}\n`).join('')}`;

const HTML = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Streamfold aggregator</title></head>
<body>
<h1>Streamfold aggregator</h1>
<ul>
${ENDPOINTS.map(([path, what]) => `<li><a href="${path}">${path}</a>: ${what}</li>`).join('\n')}
</ul>
</body>
</html>
`;
