import { test } from '../harness/ava.ts';
import { ruleFiles, type RuleOptions } from '@streamfold/mixin';

function allRules(options: RuleOptions): string {
  return [...ruleFiles(options).values()].join('\n');
}

/** All windows and `for` durations, each once. */
function durations(rules: string): string[] {
  return [
    ...new Set(
      [...rules.matchAll(/\[(\w+)\]| for: (\w+)/g)].map(([, window, lasting]) => window ?? lasting ?? ''),
    ),
  ];
}

test('rules for a test have every window and every `for` shortened, and unchanged thresholds', (t) => {
  const scaled = { '1m': '600ms', '2m': '1200ms', '3m': '1800ms', '5m': '3s', '10m': '6s', '15m': '9s' };
  const [real, short] = [allRules({}), allRules({ timeScale: 1 / 100 })];
  t.deepEqual(durations(real).toSorted(), Object.keys(scaled).toSorted());
  t.deepEqual(durations(short).toSorted(), Object.values(scaled).toSorted());
  t.regex(short, /increase5m \/ 3\n/);
  t.regex(short, /timeout_events:increase5m > 30\n/);
  t.regex(short, /process_start_time_seconds\{job="streamfold"\} < 9\)/);
});

test('rules can be written with other thresholds, and another Grafana', (t) => {
  const rules = allRules({
    thresholds: { stuckWaitSeconds: 7, timeouts: 3 },
    grafanaUrl: 'https://grafana.example',
  });
  t.regex(rules, /\) > 7\n/);
  t.regex(rules, /timeout_events:increase5m > 3\n/);
  t.false(rules.includes('http://localhost'));
});

test('a bound of slowness that is not a bucket is refused, because slow ones could not be counted', (t) => {
  t.throws(() => ruleFiles({ thresholds: { slowWaitSeconds: 299 } }), {
    instanceOf: RangeError,
    message:
      'expected one of the buckets of blocking_duration_seconds, 1, 5, 10, 30, 60, 120, 300, 600, 1800; got 299',
  });
});
