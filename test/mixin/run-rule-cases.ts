import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ruleFiles } from '@streamfold/mixin';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { runPromtool } from '../harness/run-promtool.ts';
import { amount } from '../harness/soaking.ts';
import type { ScrapedSeries } from './series.ts';

const Rule = z.looseObject({ alert: z.string().optional(), record: z.string().optional(), expr: z.string() });
const RuleFile = z.object({ groups: z.array(z.object({ name: z.string(), rules: z.array(Rule) })) });
type RuleGroup = z.output<typeof RuleFile>['groups'][number];

/** An alert that must be firing at a time of a case. */
export interface FiringAlert {
  readonly alert: string;
  readonly atMinutes: number;
  /** All labels but the name and the job of the alert. */
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly description: string;
  /** Path and query of the dashboard. */
  readonly dashboard: string;
}

/** A period of scrapes, and the alerts that fire in it. */
export interface RuleCase {
  readonly title: string;
  readonly minutes: number;
  readonly series: ScrapedSeries;
  /** Alerts that fire; every other alert stays silent throughout. Default: all stay silent. */
  readonly fires?: readonly FiringAlert[];
  /** Alerts that no longer fire at the end; the others still do. */
  readonly resolved?: readonly string[];
  /** The values of expressions over recorded series; an expression without a value has no result. */
  readonly records?: readonly {
    readonly expr: string;
    readonly atMinutes: number;
    readonly value?: number;
  }[];
}

/**
 * Prometheus evaluates twice a minute. Rarer evaluations cost less, and must give the same: a case in which an alert fires
 * needs one a minute, a case in which all stay silent needs even fewer.
 */
const FIRING_INTERVAL = amount({ test: '1m', soak: '30s' });
const SILENT_INTERVAL = amount({ test: '3m', soak: '30s' });

/** Evaluates the rules over each case with promtool; returns the titles of cases with another result, and why. */
export async function runRuleCases(
  cases: readonly RuleCase[],
  files: ReadonlyMap<string, string> = ruleFiles(),
): Promise<{ failed: string[]; report: string }> {
  const silent = cases.filter(({ fires, records }) => fires === undefined && records === undefined);
  const runs = await Promise.all([
    evaluate(
      cases.filter((each) => !silent.includes(each)),
      files,
      FIRING_INTERVAL,
    ),
    evaluate(silent, files, SILENT_INTERVAL),
  ]);
  return {
    failed: runs.flatMap(({ failed }) => failed),
    report: runs.map(({ report }) => report).join('\n'),
  };
}

async function evaluate(
  cases: readonly RuleCase[],
  files: ReadonlyMap<string, string>,
  interval: string,
): Promise<{ failed: string[]; report: string }> {
  if (cases.length === 0) return { failed: [], report: '' };
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-rules-'));
  try {
    const groups = selectGroups(files, cases);
    await writeFile(join(directory, 'rules.yml'), stringify({ groups }));
    const unitTests = {
      rule_files: ['rules.yml'],
      // Prometheus evaluates groups in any order, and an alert may see the previous recording; here the order is fixed.
      group_eval_order: groups.map(({ name }) => name),
      evaluation_interval: interval,
      tests: cases.map(writeCase),
    };
    await writeFile(join(directory, 'cases.yml'), stringify(unitTests));
    const { code, lines } = await runPromtool(['test', 'rules', join(directory, 'cases.yml')]);
    const report = lines.join('\n');
    const failed = [...new Set(lines.flatMap((line) => NAMED.exec(line)?.slice(1).find(Boolean) ?? []))];
    if ((code === 0) !== (failed.length === 0)) throw new Error(`expected failures by name; got\n${report}`);
    return { failed, report };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The rules that a case checks, and those that they read: promtool is slow, and the others make no difference. */
function selectGroups(files: ReadonlyMap<string, string>, cases: readonly RuleCase[]): RuleGroup[] {
  const groups = [...files.values()].flatMap((text) => RuleFile.parse(parse(text)).groups);
  const rules = groups.flatMap((group) => group.rules);
  const asked = cases.flatMap(({ records = [] }) => records.map(({ expr }) => expr)).join('\n');
  const read = new Set(
    rules.filter(
      ({ alert, record }) => alert !== undefined || (record !== undefined && asked.includes(record)),
    ),
  );
  for (const { expr } of read) {
    for (const rule of rules) if (rule.record !== undefined && expr.includes(rule.record)) read.add(rule);
  }
  return groups.map((group) => ({ ...group, rules: group.rules.filter((rule) => read.has(rule)) }));
}

/** How promtool names the case of an unexpected alert or expression; for expressions, by our comment in them. */
const NAMED = /^\s*name: (.*),$|^\s*expr: "# (.*?)\\n/;

function writeCase({ title, minutes, series, fires = [], resolved = [], records = [] }: RuleCase): object {
  const names = [...new Set(fires.map(({ alert }) => alert))];
  const at = { title, minutes };
  return {
    name: title,
    interval: '30s',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: fires.map(writeFiring),
    promql_expr_test: [
      // No other alert has fired at any time.
      firing(at, `max by (alertname) (max_over_time(ALERTS{alertstate="firing"}[${minutes}m]))`, names),
      firing(
        at,
        'max by (alertname) (ALERTS{alertstate="firing"})',
        names.filter((name) => !resolved.includes(name)),
      ),
      ...records.map(({ expr, atMinutes, value }) => ({
        expr: `# ${title}\n${expr}`,
        eval_time: `${atMinutes * 60}s`,
        exp_samples: value === undefined ? [] : [{ labels: '{}', value }],
      })),
    ],
  };
}

function firing(
  { title, minutes }: { title: string; minutes: number },
  query: string,
  names: readonly string[],
): object {
  return {
    expr: `# ${title}\n${query}`,
    // The last sample is half a minute old.
    eval_time: `${minutes * 60 - 30}s`,
    exp_samples: names.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
  };
}

function writeFiring({ alert, atMinutes, labels, summary, description, dashboard }: FiringAlert): object {
  return {
    eval_time: `${atMinutes * 60}s`,
    alertname: alert,
    exp_alerts: [
      {
        exp_labels: labels,
        exp_annotations: {
          summary,
          description,
          runbook_url: `https://github.com/streamfold/streamfold/blob/main/docs/runbooks/${alert}.md`,
          dashboard_url: `http://localhost:3001${dashboard}`,
        },
      },
    ],
  };
}
