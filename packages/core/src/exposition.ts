import type { Metric } from './catalogue.ts';
import { KEY_SEPARATOR, type SeriesKey, type SeriesValue } from './delta.ts';
import type { Micros } from './histogram.ts';

/**
 * The two text formats that Prometheus reads.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @see https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export type ExpositionFormat = 'text' | 'openmetrics';

/** The Content-Type of each format. */
export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** The line that ends an exposition: OpenMetrics requires one, so that a truncated reply is noticed. */
export const EXPOSITION_ENDS: Readonly<Record<ExpositionFormat, string>> = {
  text: '',
  openmetrics: '# EOF\n',
};

/** HELP and TYPE (and UNIT) of a family; they are shown even if it has no series. */
export function renderHead(metric: Metric, format: ExpositionFormat): string {
  const family =
    format === 'openmetrics' && metric.type === 'counter' ? metric.name.replace(/_total$/, '') : metric.name;
  const unit =
    format === 'openmetrics' && 'unit' in metric && metric.unit !== undefined
      ? `# UNIT ${family} ${metric.unit}\n`
      : '';
  return `# HELP ${family} ${escapeHelp(metric.help, format)}\n# TYPE ${family} ${metric.type}\n${unit}`;
}

/** What stands around the labels of a series in one of its lines; the value and a newline follow. */
export interface LineParts {
  readonly before: string;
  readonly after: string;
}

/** The lines of a series: one; of a histogram its buckets, the sum and the count. */
export function describeLines(metric: Metric, format: ExpositionFormat): readonly LineParts[] {
  const { name, labels } = metric;
  const line = (suffix: string): LineParts =>
    labels.length === 0
      ? { before: `${name}${suffix} `, after: '' }
      : { before: `${name}${suffix}{`, after: '} ' };
  if (metric.type !== 'histogram') return [line('')];
  const comma = labels.length === 0 ? '' : ',';
  const bounds = [...metric.buckets.map((bound) => renderBound(bound, format)), '+Inf'];
  const buckets = bounds.map((bound) => ({
    before: `${name}_bucket{`,
    after: `${comma}le="${bound}"} `,
  }));
  return [...buckets, line('_sum'), line('_count')];
}

/** The lines of one series, each ended by a newline. */
export type RenderSeries = (key: SeriesKey, value: SeriesValue) => string;

/** The renderer of a metric's series as text. `createSeriesWriter` writes the same as bytes. */
export function createSeriesRenderer(metric: Metric, format: ExpositionFormat): RenderSeries {
  const lines = describeLines(metric, format);
  return (key, value) => {
    const labels = renderLabels(metric.labels, key);
    let text = '';
    for (const [at, number] of listNumbers(metric, value).entries()) {
      const { before, after } = lines[at] ?? NO_PARTS;
      text += `${before}${labels}${after}${number}\n`;
    }
    return text;
  };
}

const NO_PARTS: LineParts = { before: '', after: '' };

/** The numbers of a series, one for each of its lines. */
function listNumbers(metric: Metric, value: SeriesValue): string[] {
  if (metric.type !== 'histogram') return [String(value)];
  if (typeof value === 'number') throw notOfHistogram(metric, value);
  const numbers: string[] = [];
  let cumulative = 0;
  for (let bucket = 0; bucket <= metric.buckets.length; bucket++) {
    cumulative += value.buckets[bucket] ?? 0;
    numbers.push(String(cumulative));
  }
  numbers.push(renderMicrosAsSeconds(value.sumMicros), String(cumulative));
  return numbers;
}

export function notOfHistogram({ name }: Metric, value: number): TypeError {
  return new TypeError(`${name} is a histogram, got the number ${value}`);
}

/** Whole microseconds as exact decimal seconds. Here and in `series-writer.ts` the unit changes, and nowhere else. */
export function renderMicrosAsSeconds(micros: Micros): string {
  const digits = micros.toString().padStart(7, '0');
  const fraction = digits.slice(-6).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, -6) : `${digits.slice(0, -6)}.${fraction}`;
}

function renderLabels(labels: readonly string[], key: SeriesKey): string {
  let text = '';
  let from = 0;
  for (let label = 0; label < labels.length; label++) {
    const separator = key.indexOf(KEY_SEPARATOR, from);
    const value = separator === -1 ? key.slice(from) : key.slice(from, separator);
    from = separator + 1;
    text += `${label > 0 ? ',' : ''}${labels[label] ?? ''}="${escapeLabelValue(value)}"`;
  }
  return text;
}

/** OpenMetrics writes bounds as floats (`1.0`), the older format unchanged (`1`); client libraries do the same. */
function renderBound(bound: number, format: ExpositionFormat): string {
  return format === 'openmetrics' && Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}

/**
 * Makes any text safe between the quotes of a label. Values from events hold none of these characters
 * (`event/field.ts` refuses them), so this protects against other sources of label values.
 */
export function escapeLabelValue(value: string): string {
  if (!/[\\"\n]/.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapeHelp(help: string, format: ExpositionFormat): string {
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'openmetrics' ? escaped.replaceAll('"', '\\"') : escaped;
}
