import { test } from '../harness/ava.ts';
import { ruleFiles } from '@streamfold/mixin';
import { ALL_CASES } from './cases/all-cases.ts';
import { runRuleCases } from './run-rule-cases.ts';

/** A mistake that is easy to make in the rules: text that matches is replaced. The cases must notice it. */
interface Mistake {
  readonly mistake: string;
  readonly search: RegExp;
  readonly replacement: string;
  readonly noticedBy: readonly string[];
}

const MASS_DEATH =
  'forty coordinators that die once each, as the first events of all, fire HeartbeatFailures and TimeoutEvents';

const MISTAKES: readonly Mistake[] = [
  {
    mistake: 'sums are missing before the first event',
    search: /\n *or\n *0 \* (?:max by \([\w, ]+\) )?\((?:\n[^\n]*label_replace[^\n]*)+\n *\)/g,
    replacement: '',
    noticedBy: [MASS_DEATH, 'three slow waits, as the first of all, fire HighBlockingDuration'],
  },
  {
    mistake: 'the sum of coordinators is missing if there are none',
    search: /\n *or\n *0 \* max by \(job\) [^\n]*/g,
    replacement: '',
    noticedBy: ['a swarm that never had a live coordinator fires NoActiveCoordinators'],
  },
  {
    mistake: 'sums fall to 0 while the target is down',
    search: /up\{job="blocking-coordination"\} == 1/g,
    replacement: 'up{job="blocking-coordination"}',
    noticedBy: [
      'a swarm target that is down and comes back with large counters fires StreamfoldTargetDown and nothing else',
      'an aggregator that is restarted fires nothing',
    ],
  },
  {
    mistake: 'a falling sum is taken for a restart from 0',
    search: /last_over_time\((\S+)\[(\w+)\]\) - min_over_time\(\S+\]\)/g,
    replacement: 'increase($1[$2])',
    noticedBy: [
      'a rebuild from a trimmed stream fires nothing',
      'a Redis that goes back to the state of a few events earlier fires nothing',
    ],
  },
  {
    mistake: 'growth is forgotten while a scrape fails',
    search: /last_over_time\((\S+)\[\w+\]\) - min/g,
    replacement: '$1 - min',
    noticedBy: [
      'a restart of the aggregator right after forty deaths does not keep their alerts from firing',
    ],
  },
  {
    mistake: 'a gauge is forgotten while a scrape fails',
    search: /last_over_time\((\S+)\[2m\]\)/g,
    replacement: '$1',
    noticedBy: [
      'eleven coordinators blocked across a restart of the aggregator fire HighBlockingCoordinators',
      'StuckCoordinator keeps firing while the aggregator restarts',
    ],
  },
  {
    mistake: 'all coordinators count as blocked',
    search: /status:blocking_coordinators_total:sum\{status="blocked"\}/g,
    replacement: 'job:blocking_coordinators_total:sum',
    noticedBy: ['a hundred coordinators of which ten are blocked do not fire HighBlockingCoordinators'],
  },
  {
    mistake: 'a death counts twice, as stale and as dead',
    search: /\{failure_type!="timeout"\}/g,
    replacement: '',
    noticedBy: ['thirty coordinators that die, each stale and then declared dead, fire nothing'],
  },
  {
    mistake: 'a few slow ones are enough',
    search: /\n *and\n[^\n]*>= 3/g,
    replacement: '',
    noticedBy: [
      'a single slow wait does not fire HighBlockingDuration',
      'a late ACK every five minutes as the only ACK does not fire HighSignalLatency',
    ],
  },
  {
    mistake: 'a small share of slow ones is enough',
    search: /> 0\.05\n/g,
    replacement: '> 0\n',
    noticedBy: [
      'three slow waits in a hundred do not fire HighBlockingDuration',
      'four late ACKs in a hundred do not fire HighSignalLatency',
    ],
  },
  {
    mistake: 'bucket bounds are compared as only one of the text formats writes them',
    search: /\[0-9\]\+\)\[\.\]0/g,
    replacement: 'x)',
    noticedBy: ['one slow wait in ten fires HighBlockingDuration'],
  },
  {
    mistake: 'counts of a process before its first scrape are missed',
    search: /\n *or\n[^\n]*process_start_time[^\n]*/g,
    replacement: '',
    noticedBy: [
      'a count before the first scrape of an aggregator fires StreamfoldEntriesLost',
      'a count before the first scrape of an aggregator fires StreamfoldDeadLetters',
    ],
  },
  {
    mistake: 'every count of any process is new',
    search: /process_start_time_seconds\{[^}]*\} < 900/g,
    replacement: 'process_start_time_seconds > 0',
    noticedBy: [
      'a Prometheus started long after the aggregators does not fire StreamfoldEntriesLost',
      'a Prometheus started long after the aggregators does not fire StreamfoldDeadLetters',
    ],
  },
  {
    mistake: 'a shrinking lag is as bad as a growing one',
    search: /\n *and\n *deriv[^\n]*/g,
    replacement: '',
    noticedBy: ['a lag of an hour that shrinks does not fire StreamfoldLagGrowing'],
  },
  {
    mistake: 'a fluctuating lag is taken for a shrinking one',
    search: /> -0\.1\n/g,
    replacement: '>= 0\n',
    noticedBy: ['a lag that fluctuates around two minutes fires StreamfoldLagGrowing'],
  },
  {
    mistake: 'an aggregator without entries to fold is not folding',
    search: /sum\(min_over_time\([^\n]*> 0\n/g,
    replacement: 'vector(1)\n',
    noticedBy: ['aggregators that have nothing to fold fire nothing'],
  },
  {
    mistake: 'an aggregator that folds late is not folding',
    search: /sum\(rate\(streamfold_entries_folded_total[^\n]*== 0/g,
    replacement: 'vector(1)',
    noticedBy: ['entries that always wait while others are folded do not fire StreamfoldNotFolding'],
  },
  {
    mistake: 'alerts fire at once',
    search: /\n *for: \w+/g,
    replacement: '',
    noticedBy: [
      'eleven coordinators blocked for four minutes do not fire HighBlockingCoordinators',
      'fifty late ACKs at one moment do not fire HighSignalLatency',
      'a swarm without coordinators for nine minutes does not fire NoActiveCoordinators',
      'a single scrape that fails fires nothing',
    ],
  },
  {
    mistake: 'only the swarm job is searched for a second target',
    search: /count by \(job, instance\) \(\{__name__[^\n]*\n *or\n */g,
    replacement: '',
    noticedBy: [
      'an aggregator whose swarm metrics are scraped by the other job too fires StreamfoldSwarmMetricsServedTwice',
    ],
  },
];

for (const { mistake, search, replacement, noticedBy } of MISTAKES) {
  test.serial(`the cases notice rules with which ${mistake}`, async (t) => {
    const files = new Map(
      [...ruleFiles()].map(([path, text]) => [path, text.replaceAll(search, replacement)]),
    );
    t.notDeepEqual([...files], [...ruleFiles()], 'expected to find what to replace');
    const noticing = ALL_CASES.filter(({ title }) => noticedBy.includes(title));
    t.is(noticing.length, noticedBy.length);
    const { failed } = await runRuleCases(noticing, files);
    t.deepEqual(failed.toSorted(), noticedBy.toSorted());
  });
}
