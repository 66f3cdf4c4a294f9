import { emptyDelta, mergeDelta } from '@streamfold/core';
import { test } from '../harness/ava.ts';
import type { WireEvent } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { parseSamples } from '../harness/scrape.ts';
import { exposeState } from './expose-state.ts';
import { foldEntries } from './fold-published.ts';

const started = (phase?: string): WireEvent =>
  event('coordinator.started', phase === undefined ? {} : { phase });
const phase = (name: string): WireEvent => event('coordinator.phase_changed', { phase: name });
const stopped = event('coordinator.stopped', {});
const wait = (wait_id: string, more: WireEvent = {}): WireEvent =>
  event('wait.started', { wait_id, ...more });
const finish = (wait_id?: string): WireEvent =>
  event('wait.finished', {
    status: 'completed',
    duration_ms: '1',
    ...(wait_id === undefined ? {} : { wait_id }),
  });
const stale = event('heartbeat.stale', {});
const recovered = event('heartbeat.recovered', {});
const timeout = (timeout_type: string): WireEvent => event('timeout', { timeout_type });

function event(type: string, fields: WireEvent): WireEvent {
  return { type, swarm_id: 's', coordinator_id: 'c', ...fields };
}

/** The state of one coordinator after these events, by the contract and the decisions: `phase status openWaits`, or `gone`. */
const EXAMPLES: readonly (readonly [promise: string, says: string, ...events: WireEvent[]])[] = [
  ['a start begins a life in an unknown phase', 'unknown active 0', started()],
  ['a start may give the phase', 'planning active 0', started('planning')],
  ['a phase lasts until the next', 'reviewing active 0', started('planning'), phase('reviewing')],
  ['a change of phase alone shows a coordinator alive', 'planning active 0', phase('planning')],
  ['a wait alone shows a coordinator alive', 'unknown blocked 1', wait('w')],
  ['a finished wait alone shows a coordinator alive', 'unknown active 0', finish('w')],
  ['a finish of all waits alone shows a coordinator alive', 'unknown active 0', finish()],
  ['a stale heartbeat alone shows a coordinator alive', 'unknown stale 0', stale],
  ['a recovery alone shows a coordinator alive', 'unknown active 0', recovered],
  ['a timeout of a wait alone shows a coordinator alive', 'unknown active 0', timeout('blocking')],
  ['a timeout of a signal alone shows a coordinator alive', 'unknown active 0', timeout('signal_ack')],
  ['an end of a coordinator never seen shows nothing', 'gone', stopped],
  ['a heartbeat timeout of a coordinator never seen shows nothing', 'gone', timeout('heartbeat')],
  ['a stop ends a life', 'gone', started(), wait('w'), stale, stopped],
  ['a heartbeat timeout ends a life', 'gone', started(), stale, timeout('heartbeat')],
  ['a second end changes nothing', 'gone', started(), stopped, timeout('heartbeat'), stopped],
  [
    'the first event after an end begins a new life',
    'unknown active 0',
    started('p'),
    wait('w'),
    stale,
    stopped,
    recovered,
  ],
  [
    'a new life after an end knows only the phase given in it',
    'q active 0',
    started('p'),
    stopped,
    phase('q'),
  ],
  [
    'a stale heartbeat may be the first event of a new life',
    'unknown stale 0',
    started('p'),
    timeout('heartbeat'),
    stale,
  ],
  [
    'a wait may be the first event of a new life',
    'unknown blocked 1',
    started('p'),
    wait('v'),
    stopped,
    wait('w'),
  ],
  [
    'a start without an end before it begins a new life',
    'unknown active 0',
    started('p'),
    wait('w'),
    stale,
    started(),
  ],
  [
    'a wait of an old life cannot be finished in the new one',
    'unknown blocked 1',
    wait('v'),
    started(),
    wait('w'),
    finish('v'),
  ],
  [
    'a wait id can be used again in a new life',
    'unknown blocked 1',
    wait('w'),
    finish('w'),
    started(),
    wait('w'),
  ],
  ['an open wait blocks', 'p blocked 2', started('p'), wait('v'), wait('w')],
  ['a wait may give the phase', 'q blocked 1', started('p'), wait('w', { phase: 'q' })],
  ['a wait without phase leaves it', 'p blocked 1', started('p'), wait('w')],
  ['a wait that is finished no longer blocks', 'unknown active 0', wait('w'), finish('w')],
  [
    'a finish with the id of one wait leaves the others',
    'unknown blocked 1',
    wait('v'),
    wait('w'),
    finish('v'),
  ],
  ['a finish of a wait that is not open closes none', 'unknown blocked 1', wait('w'), finish('v')],
  ['a finish before its start does not close it', 'unknown blocked 1', finish('w'), wait('w')],
  ['a finish without id closes all', 'unknown active 0', wait('u'), wait('v'), wait('w'), finish()],
  ['a finish without id closes none that start later', 'unknown blocked 1', wait('v'), finish(), wait('w')],
  ['a wait can be opened again', 'unknown blocked 1', wait('w'), finish('w'), wait('w')],
  ['a wait opened again after a finish of all is open', 'unknown blocked 1', wait('w'), finish(), wait('w')],
  [
    'a wait that starts twice is one, and closed by one finish',
    'unknown active 0',
    wait('w'),
    wait('w'),
    finish('w'),
  ],
  ['a timeout of a wait does not close it', 'unknown blocked 1', wait('w'), timeout('blocking')],
  ['stale goes before blocked', 'p stale 1', started('p'), wait('w'), stale],
  [
    'an episode lasts through other events',
    'q stale 0',
    stale,
    phase('q'),
    wait('w'),
    finish('w'),
    timeout('blocking'),
  ],
  ['an episode ends by a recovery', 'unknown blocked 1', wait('w'), stale, recovered],
  ['an episode ends by a new life', 'unknown active 0', stale, started()],
  ['an episode does not come back with a life after an end', 'unknown active 0', stale, stopped, finish()],
  ['an episode can begin again', 'unknown stale 0', stale, recovered, stale],
];

for (const [promise, says, ...events] of EXAMPLES) {
  test(promise, (t) => {
    t.is(summarize(foldReference(events.map((fields) => ({ fields })))), says, 'reference');
    const entries = events.map((each, at) => ({ id: `9-${at + 8}`, events: [each] }));
    t.is(summarize(parseSamples(exposeState(foldEntries(entries)))), says, 'one commit');
    const batch = foldEntries([{ id: '9-8', events }]);
    t.is(summarize(parseSamples(exposeState(batch))), says, 'one entry');
    const backwards = emptyDelta();
    for (const entry of entries.toReversed()) mergeDelta(backwards, foldEntries([entry]));
    t.is(summarize(parseSamples(exposeState(backwards))), says, 'a commit each, the last one first');
  });
}

function summarize(samples: ReadonlyMap<string, string>): string {
  const alive = [...samples].filter(([name]) => name.startsWith('blocking_coordinators_total'));
  const waits = samples.get('blocking_waits{swarm_id="s"}');
  const [first] = alive;
  if (first === undefined) return waits === undefined ? 'gone' : `gone, but ${waits} waits`;
  const labels = /phase="(.*)",status="(.*)"/.exec(first[0]);
  return `${labels?.[1]} ${labels?.[2]} ${waits}${alive.length === 1 && first[1] === '1' ? '' : ' and more'}`;
}

test('coordinators with the same name in two swarms are two coordinators', (t) => {
  const events = [started('p'), { ...started('q'), swarm_id: 's2' }, stopped];
  const samples = parseSamples(exposeState(foldEntries([{ id: '1-0', events }])));
  t.deepEqual(
    [...samples.keys()].filter((name) => name.startsWith('blocking_coordinators_total')),
    ['blocking_coordinators_total{swarm_id="s2",phase="q",status="active"}'],
  );
});

/** The age of the oldest open wait at second 10, if one event arrived each second from second 1 on. */
function age(...events: WireEvent[]): string | undefined {
  const state = foldEntries(events.map((each, at) => ({ id: `${(at + 1) * 1_000}-0`, events: [each] })));
  return parseSamples(exposeState(state, 'text', 10_000)).get('blocking_oldest_wait_seconds{swarm_id="s"}');
}

test('the oldest open wait is the one that started first of those still open', (t) => {
  t.is(age(wait('v'), wait('w')), '9');
  t.is(age(wait('v'), wait('w'), finish('v')), '8');
  t.is(age(wait('v'), wait('w'), finish()), '0');
  t.is(age(wait('v'), wait('v')), '8', 'a wait that starts again waits anew');
  t.is(age(wait('v'), stopped), undefined);
});
