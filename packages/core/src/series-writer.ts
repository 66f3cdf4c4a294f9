import type { Metric } from './catalogue.ts';
import { KEY_SEPARATOR, type SeriesKey, type SeriesValue } from './delta.ts';
import {
  describeLines,
  escapeLabelValue,
  notOfHistogram,
  renderMicrosAsSeconds,
  type ExpositionFormat,
} from './exposition.ts';
import type { Histogram, Micros } from './histogram.ts';
import { TextBytes } from './text-bytes.ts';

/** Appends the lines of one series to `out`, as `createSeriesRenderer` gives them. */
export type WriteSeries = (key: SeriesKey, value: SeriesValue, out: TextBytes) => void;

/** `LineParts` as bytes. */
interface LineBytes {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/**
 * The writer of a metric's series. It makes no string: the parts that all series share are kept as bytes, the labels of a
 * series are written once and repeated in its other lines, and numbers are written digit by digit.
 */
export function createSeriesWriter(metric: Metric, format: ExpositionFormat): WriteSeries {
  const lines = describeLines(metric, format).map(({ before, after }) => ({
    before: toBytes(before),
    after: toBytes(after),
  }));
  const writeLabels = createLabelsWriter(metric.labels);
  if (metric.type === 'histogram') {
    const writeHistogram = createHistogramWriter(lines, writeLabels);
    return (key, value, out) => {
      if (typeof value === 'number') throw notOfHistogram(metric, value);
      writeHistogram(key, value, out);
    };
  }
  const { before, after } = lines[0] ?? NO_BYTES;
  return (key, value, out) => {
    out.append(before);
    writeLabels(key, out);
    out.append(after);
    if (typeof value === 'number') out.number(value);
    else out.text(String(value));
    out.append(NEWLINE);
  };
}

const NO_BYTES: LineBytes = { before: new Uint8Array(), after: new Uint8Array() };
const NEWLINE = toBytes('\n');
const POINT = toBytes('.');

/** The lines of the buckets share what stands before the labels, so each begins as a repetition of the first. */
function createHistogramWriter(lines: readonly LineBytes[], writeLabels: WriteLabels) {
  const buckets = lines.slice(0, -2);
  const [sum = NO_BYTES, count = NO_BYTES] = lines.slice(-2);
  const { before } = lines[0] ?? NO_BYTES;
  return (key: SeriesKey, { sumMicros, buckets: observations }: Histogram, out: TextBytes): void => {
    const start = out.length;
    out.append(before);
    const labelsStart = out.length;
    writeLabels(key, out);
    const labelsEnd = out.length;
    let cumulative = 0;
    for (let bucket = 0; bucket < buckets.length; bucket++) {
      if (bucket > 0) out.repeat(start, labelsEnd);
      out.append((buckets[bucket] ?? NO_BYTES).after);
      cumulative += observations[bucket] ?? 0;
      out.number(cumulative);
      out.append(NEWLINE);
    }
    out.append(sum.before);
    out.repeat(labelsStart, labelsEnd);
    out.append(sum.after);
    writeMicrosAsSeconds(sumMicros, out);
    out.append(NEWLINE);
    out.append(count.before);
    out.repeat(labelsStart, labelsEnd);
    out.append(count.after);
    out.number(cumulative);
    out.append(NEWLINE);
  };
}

const MICROS_PER_SECOND = 1_000_000;
const FRACTION_DIGITS = 6;

function writeMicrosAsSeconds(micros: Micros, out: TextBytes): void {
  if (typeof micros !== 'number' || !Number.isSafeInteger(micros) || micros < 0) {
    out.text(renderMicrosAsSeconds(micros));
    return;
  }
  let fraction = micros % MICROS_PER_SECOND;
  out.number((micros - fraction) / MICROS_PER_SECOND);
  if (fraction === 0) return;
  let width = FRACTION_DIGITS;
  while (fraction % 10 === 0) {
    fraction /= 10;
    width--;
  }
  out.append(POINT);
  out.digits(fraction, width);
}

type WriteLabels = (key: SeriesKey, out: TextBytes) => void;

/** Writes `name="value",…` out of a key. */
function createLabelsWriter(labels: readonly string[]): WriteLabels {
  const openings = labels.map((label, at) => toBytes(`${at > 0 ? '",' : ''}${label}="`));
  const end = toBytes(labels.length === 0 ? '' : '"');
  return (key, out) => {
    let from = 0;
    for (const opening of openings) {
      out.append(opening);
      const separator = key.indexOf(KEY_SEPARATOR, from);
      const to = separator === -1 ? key.length : separator;
      out.text(escapeLabelValue(key.slice(from, to)));
      from = separator + 1;
    }
    out.append(end);
  };
}

function toBytes(text: string): Uint8Array {
  const out = new TextBytes(text.length);
  out.text(text);
  return out.bytes.slice(0, out.length);
}
