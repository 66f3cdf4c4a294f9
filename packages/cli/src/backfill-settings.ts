import { z } from 'zod';
import type { Setting } from './setting.ts';

const SECONDS = /^\d{1,11}$/;
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2}))?$/;

/** A time as ms since 1970. */
const time = z
  .string()
  .refine((given) => SECONDS.test(given) || ISO.test(given))
  .transform((given) => (SECONDS.test(given) ? Number(given) * 1_000 : Date.parse(given)))
  .refine(Number.isFinite);

const EXPECTED_TIME = 'a time such as 2026-11-24, 2026-11-24T08:00:00Z, or seconds since 1970';

/** The longest step: Prometheus looks back five minutes for a sample. */
const MOST_STEP_SECONDS = 300;

function splitLabel(label: string): [name: string, value: string] {
  const at = label.indexOf('=');
  return [label.slice(0, at), label.slice(at + 1)];
}

/** Settings of `streamfold backfill`. */
export const BACKFILL_SETTINGS = {
  step: {
    flag: '--step',
    argument: 's',
    variable: 'STREAMFOLD_BACKFILL_STEP',
    unit: 's',
    schema: z
      .string()
      .regex(/^[1-9]\d{0,2}$/)
      .transform(Number)
      .refine((seconds) => seconds <= MOST_STEP_SECONDS),
    expected: `a whole number from 1 to ${MOST_STEP_SECONDS}`,
    byDefault: 15,
    help: 'time between two samples of a series',
    reason: 'the scrape interval that dashboards are made for; Prometheus looks back five minutes at most',
  },
  from: {
    flag: '--from',
    argument: 'time',
    variable: 'STREAMFOLD_BACKFILL_FROM',
    unit: 'time',
    schema: time,
    expected: EXPECTED_TIME,
    defaultInWords: 'the beginning of the log',
    help: 'when the samples begin; what was before is folded all the same',
    reason: 'the whole past, unless a part of it is in Prometheus already',
  },
  until: {
    flag: '--until',
    argument: 'time',
    variable: 'STREAMFOLD_BACKFILL_UNTIL',
    unit: 'time',
    schema: time,
    expected: EXPECTED_TIME,
    defaultInWords: 'now, by the clock of Redis',
    help: 'when the samples end',
    reason: 'end where the scraped samples begin: a sample that is there twice is a conflict',
  },
  metrics: {
    flag: '--metrics',
    argument: 'names',
    variable: 'STREAMFOLD_BACKFILL_METRICS',
    unit: 'names, separated by commas',
    schema: z.string().regex(/^[a-zA-Z_][\w:]*(,[a-zA-Z_][\w:]*)*$/),
    expected: 'names of metrics, separated by commas',
    defaultInWords: 'all',
    help: 'only these metrics',
    reason: 'a new metric gets its past, and those that have one stay as they are',
  },
  labels: {
    flag: '--labels',
    argument: 'name=value',
    variable: 'STREAMFOLD_BACKFILL_LABELS',
    unit: 'labels, separated by commas',
    schema: z
      .string()
      .regex(/^(none|[a-zA-Z_]\w*=[^",\\\s]+(,[a-zA-Z_]\w*=[^",\\\s]+)*)$/)
      .transform(
        (given) => new Map(given === 'none' ? [] : given.split(',').map((label) => splitLabel(label))),
      ),
    expected: 'labels such as job=blocking-coordination,instance=streamfold:3000, or none',
    defaultInWords: 'job=blocking-coordination',
    help: 'labels that every series gets, as those that are scraped have them',
    reason: 'rules and dashboards ask for the job of infra/prometheus/prometheus.yml',
  },
  output: {
    flag: '--output',
    argument: 'file',
    variable: 'STREAMFOLD_BACKFILL_OUTPUT',
    unit: 'path',
    schema: z.string().min(1),
    expected: 'the path of a file',
    defaultInWords: 'standard output',
    help: 'where the text is written; under its name only when it is whole',
    reason: 'promtool reads a file, not a pipe',
  },
} as const satisfies Record<string, Setting>;
