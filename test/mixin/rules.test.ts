import { fileURLToPath } from 'node:url';
import { test } from '../harness/ava.ts';
import { alertNames } from '@streamfold/mixin';
import { once } from '../harness/once.ts';
import { runPromtool } from '../harness/run-promtool.ts';
import { ALL_CASES } from './cases/all-cases.ts';
import { runRuleCases } from './run-rule-cases.ts';

test('promtool accepts the rule files', async (t) => {
  for (const name of ['recording', 'blocking-coordination', 'streamfold']) {
    const file = fileURLToPath(import.meta.resolve(`../../../alerts/${name}.yml`));
    const { code, lines } = await runPromtool(['check', 'rules', '--lint-fatal', file]);
    t.is(code, 0, lines.join('\n'));
  }
});

test('each alert has a case in which it fires', (t) => {
  const firing = new Set(ALL_CASES.flatMap(({ fires = [] }) => fires.map(({ alert }) => alert)));
  t.deepEqual([...firing].toSorted(), alertNames().toSorted());
});

/** One run for all: promtool loads the rules once. */
const outcome = once(() => runRuleCases(ALL_CASES));

for (const { title } of ALL_CASES) {
  test(title, async (t) => {
    const { failed, report } = await outcome();
    t.false(failed.includes(title), report);
  });
}
