import { CATALOGUE, encodeEvent, EVENT_TYPES } from '@streamfold/core';
import { code, codeBlock, codeList, renderPage, renderTable } from './render-page.mjs';

/** Fields that every event has; the specific fields of an event come after `swarm_id` in its rules. */
const OF_EVERY_EVENT = ['swarm_id', 'id', 'at'];

/** Values for the examples, by field. */
const EXAMPLE_VALUES = {
  coordinator_id: 'planner-1',
  duration_ms: 1250,
  expected: 3,
  failure_type: 'stale',
  latency_ms: 12.5,
  part: 'signal',
  phase: 'planning',
  reason: 'completed',
  receiver_id: 'tester-1',
  refused_id: 'planner-1',
  removed_id: 'planner-1',
  sender_id: 'planner-1',
  signal_id: 'signal-42',
  signal_type: 'handoff',
  status: 'completed',
  swarm_id: 's1',
  timeout_ms: 30000,
  timeout_type: 'signal_ack',
  wait_id: 'wait-7',
};

/** Fields whose values mean something else in some events. */
const OWN_EXAMPLE_VALUES = {
  'signal.rejected': { reason: 'bad_signature' },
  'cleanup.refused': { reason: 'in_seconds' },
};

/** Every event type: fields, metrics, and examples that are valid. */
export function renderEvents() {
  const [first] = EVENT_TYPES;
  return renderPage('Events', [
    'An event is one stream entry with flat fields; [publishing](../publishing.md) explains how to append entries, and how\nto put many events into one. The time of an event is its entry ID. Fields that are not listed here are kept and ignored.',
    renderTable(
      ['event', 'meaning'],
      EVENT_TYPES.map(({ type, description }) => [`[${code(type)}](#${toAnchor(type)})`, description]),
    ),
    '## Fields of every event',
    renderTable(FIELD_HEAD, [
      [code('type'), 'required', '', 'one of the types of this page', 'what happened'],
      ...first.rules.filter(isOfEveryEvent).map((rule) => renderField(rule, first)),
      [code('v'), 'optional', code('1'), 'a version that the type has', 'version of the type'],
    ]),
    ...EVENT_TYPES.flatMap(renderEvent),
  ]);
}

const FIELD_HEAD = ['field', 'presence', 'default', 'expected', 'meaning'];

function renderEvent(eventType) {
  const { type, version, description, rules } = eventType;
  const example = buildExample(eventType);
  return [
    `## ${type}`,
    `${description} Version ${version}.`,
    renderTable(
      FIELD_HEAD,
      rules.filter((rule) => !isOfEveryEvent(rule)).map((rule) => renderField(rule, eventType)),
    ),
    `Changes ${listMetrics(eventType)}.`,
    codeBlock('json', JSON.stringify(example)),
    codeBlock(
      'sh',
      `redis-cli XADD 'streamfold:{0}:events' '*' ${Object.entries(example)
        .map(([name, value]) => `${name} ${value}`)
        .join(' ')}`,
    ),
  ];
}

function renderField({ name, required, byDefault, kind }, { meanings }) {
  const meaning = meanings[name];
  if (meaning === undefined) throw new Error(`expected a meaning of the field ${name}; got none`);
  const shownDefault = byDefault === undefined ? '' : code(byDefault);
  return [code(name), required ? 'required' : 'optional', shownDefault, kind.expected, meaning];
}

function isOfEveryEvent({ name }) {
  return OF_EVERY_EVENT.includes(name);
}

/** An event with all its fields; a field without an example value, or with one that is not valid, is an error. */
function buildExample(eventType) {
  const names = eventType.rules.map(({ name }) => name).filter((name) => name !== 'id' && name !== 'at');
  const example = { type: eventType.type };
  for (const name of names)
    example[name] = { ...EXAMPLE_VALUES, ...OWN_EXAMPLE_VALUES[eventType.type] }[name];
  const encoded = encodeEvent(example);
  if (!encoded.ok) throw new Error(`example of ${eventType.type}: ${encoded.detail}`);
  const missing = names.filter((name) => example[name] === undefined);
  if (missing.length > 0) throw new Error(`expected an example value of ${missing.join(', ')}; got none`);
  return example;
}

function listMetrics({ type, rules }) {
  const direct = CATALOGUE.filter((metric) => metric.type !== 'gauge' && metric.event === type);
  const lifecycle = rules.some(({ name }) => name === 'coordinator_id');
  const gauges = lifecycle ? CATALOGUE.filter((metric) => metric.type === 'gauge') : [];
  const names = [...direct, ...gauges].map(({ name }) => name);
  return names.length === 0 ? 'no metric' : codeList(names);
}

/** The anchor that GitHub derives from a heading. */
function toAnchor(type) {
  return type.replace('.', '');
}
