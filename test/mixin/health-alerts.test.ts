import { test } from '../harness/ava.ts';
import { HEALTH_REASON_NAMES, HEALTH_REASONS } from '@streamfold/core';
import { alertNames, HEALTH_ALERTS } from '@streamfold/mixin';
import { readTracked } from '../tidy/tracked-files.ts';

test('each reason of the health endpoint has an alert with a runbook, or the docs say why it needs none', (t) => {
  const reference = readTracked('docs/reference/health.md');
  for (const reason of HEALTH_REASON_NAMES) {
    const row = HEALTH_ALERTS[reason];
    if ('alert' in row) {
      t.true(alertNames().includes(row.alert), `${reason}: ${row.alert}`);
      t.notThrows(() => readTracked(`docs/runbooks/${row.alert}.md`), reason);
    } else t.true(reference.includes(row.because), reason);
  }
});

test('a reason that leaves the status healthy pages nobody', (t) => {
  const waking = HEALTH_REASON_NAMES.filter((reason) => {
    const row = HEALTH_ALERTS[reason];
    const { status }: { status: string } = HEALTH_REASONS[reason];
    return status === 'healthy' && 'alert' in row && row.severity === 'critical';
  });
  t.deepEqual(waking, []);
});

test('the description of a reason is one sentence or two', (t) => {
  for (const reason of HEALTH_REASON_NAMES) t.regex(HEALTH_REASONS[reason].meaning, /^[A-Z].*\.$/, reason);
});
