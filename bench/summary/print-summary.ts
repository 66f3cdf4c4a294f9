import type { Measurements } from './measurements.ts';
import { MEASURES, type Measure, type MeasureName } from './measures.ts';

/** Prints the required values next to the measured ones, if there are any. Returns false if a measured value misses its requirement. */
export function printSummary(measurements: Measurements): boolean {
  if (measurements.isEmpty) return true;
  console.log('\n### Required and measured\n');
  console.log('| what | required | measured | |\n|---|---|---|---|');
  let isMet = true;
  for (const [name, measure] of Object.entries(MEASURES) as [MeasureName, Measure][]) {
    const value = measurements.read(name);
    const verdict = judge(measure, value);
    if (verdict === 'missed') isMet = false;
    const measured = value === undefined ? 'not measured' : `${show(value)} ${measure.unit}`;
    console.log(`| ${[measure.what, showBound(measure), measured, verdict].join(' | ')} |`);
  }
  return isMet;
}

function judge({ least, most }: Measure, value: number | undefined): 'met' | 'missed' | '' {
  if (value === undefined || (least === undefined && most === undefined)) return '';
  return value >= (least ?? -Infinity) && value <= (most ?? Infinity) ? 'met' : 'missed';
}

function showBound({ least, most, unit }: Measure): string {
  if (least !== undefined) return `≥ ${least} ${unit}`;
  return most === undefined ? '–' : `≤ ${most} ${unit}`;
}

function show(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
