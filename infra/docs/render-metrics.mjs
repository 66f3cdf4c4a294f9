import { describeProcessMetrics } from '@streamfold/aggregator';
import { CATALOGUE } from '@streamfold/core';
import { examplesOf } from './metric-examples.mjs';
import { code, codeBlock, codeList, renderPage, renderTable } from './render-page.mjs';

/** The source of a gauge. */
const PROJECTIONS = {
  coordinators_alive: 'the coordinators that are alive',
  open_waits: 'the waits that are open',
  oldest_open_wait: 'the waits that are open, and the clock of Redis',
};

/** Every metric of the swarm and of the process. */
export function renderMetrics() {
  const all = describeProcessMetrics();
  const own = all.filter(({ name }) => name.startsWith('streamfold_'));
  const runtime = all.filter((metric) => !own.includes(metric));
  return renderPage('Metrics', [
    '## Of the swarm: `GET /prometheus/metrics`',
    'Every aggregator serves the same values: scrape them as **one** target. Every metric has HELP and TYPE even if it\nhas no series.',
    renderTable(
      ['metric', 'type', 'labels'],
      CATALOGUE.map(({ name, type, labels }) => [`[${code(name)}](#${name})`, type, codeList(labels)]),
    ),
    ...CATALOGUE.flatMap(renderSwarmMetric),
    '## Of one process: `GET /metrics`',
    "The aggregator's own health: scrape each replica.",
    renderTable(['metric', 'type', 'labels', 'meaning'], own.map(renderProcessMetric)),
    `Buckets of the histograms, in seconds: ${showBuckets(own)}.`,
    '### What they answer',
    ...own.flatMap(({ name }) => renderExamples(name)),
    '### Node.js and the process',
    'The default metrics of `prom-client` for Node.js. Metrics of `process_` that the system does not provide are absent.',
    renderTable(['metric', 'type', 'labels', 'meaning'], runtime.map(renderProcessMetric)),
  ]);
}

function renderSwarmMetric(metric) {
  const { name, type, help, unit, labels } = metric;
  const rows = [
    ['type', type],
    ...(unit === undefined ? [] : [['unit', unit]]),
    ['labels', codeList(labels)],
    ...(type === 'histogram' ? [['buckets', `${metric.buckets.join(', ')}, +Inf`]] : []),
    ['from', describeSource(metric)],
  ];
  return [`### ${name}`, help, renderTable(['', ''], rows), ...renderExamples(name)];
}

/** Each question with its PromQL. If a result may be empty, the block says so to the test that runs it. */
function renderExamples(name) {
  return examplesOf(name).flatMap(({ asks, promql, mayBeEmpty }) => [
    asks,
    codeBlock(mayBeEmpty ? 'promql may be empty' : 'promql', promql),
  ]);
}

function describeSource(metric) {
  if (metric.type !== 'gauge') {
    const event = `[${code(metric.event)}](events.md#${metric.event.replace('.', '')})`;
    return metric.type === 'counter'
      ? `each ${event}`
      : `${code(metric.value.replace(/_micros$/, '_ms'))} of ${event}`;
  }
  const source = PROJECTIONS[metric.projection];
  if (source === undefined)
    throw new Error(`expected words for the projection ${metric.projection}; got none`);
  return source;
}

function renderProcessMetric({ name, type, labels, help }) {
  return [code(name), type, codeList(labels), help];
}

/** All histograms of a process have the same buckets. */
function showBuckets(metrics) {
  const lists = new Set(
    metrics.filter(({ type }) => type === 'histogram').map(({ buckets }) => buckets.join(', ')),
  );
  if (lists.size !== 1) throw new Error(`expected one list of buckets; got ${lists.size}`);
  return [...lists].join('');
}
