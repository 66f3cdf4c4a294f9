import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';
import type { CounterMetric, HistogramMetric } from '../catalogue.ts';
import type { LifecycleEvent } from '../coordinator-registers.ts';
import type { EventType } from '../event/define-event.ts';
import { findEventType } from '../event/event-types.ts';
import { scaleOf } from '../fold.ts';
import { MOST_PARTS } from '../bytes/key-parts.ts';
import {
  CLOCK,
  COUNT,
  DURATION,
  EXTRA,
  HASHED,
  ID,
  ID_BYTES,
  LABEL,
  NUMBER,
  STEP_NUMBERS,
  WORD,
  type KeyPart,
  type Layout,
  type LifeReading,
  type Observation,
} from './layout.ts';
import { MOST_VALUES } from './matched-values.ts';
import { cutSegment } from './segment.ts';

/** A field as it stands in an event that was decoded. */
export interface SeenField {
  readonly name: string;
  /** Printable ASCII. */
  readonly value: string;
  /** JSON has it as a number. */
  readonly isNumber: boolean;
  /** The bytes between the value before and this one, as a text. */
  readonly before: string;
  /** What is constant of the value, if it is: the type and the version. In a flat entry with its length. */
  readonly constant: string;
}

/** An event that was decoded: its fields, and the bytes behind the last one. */
export interface SeenEvent {
  readonly fields: readonly SeenField[];
  readonly after: string;
}

/** What layouts are compiled for. */
export interface LayoutContext {
  readonly source: ReceiveBuffer;
  readonly metrics: readonly (CounterMetric | HistogramMetric)[];
}

/** The layout is not one that can be read the fast way. */
class UnreadableLayoutError extends Error {}

/** No segment is longer: it may be compared with the bytes behind what has arrived. */
const SEGMENT_BYTES = 512;

/** The layout of a decoded event; `undefined` if its events have to be decoded the slow way. */
export function compileLayout({ fields, after }: SeenEvent, context: LayoutContext): Layout | undefined {
  const names = new Set(fields.map(({ name }) => name));
  const eventType = readType(fields);
  const values = fields.filter(({ name }) => !isConstant(name));
  if (eventType === undefined || names.size !== fields.length) return undefined;
  if (values.length === 0 || values.length > MOST_VALUES) return undefined;
  const segments = joinSegments(fields, after);
  if (segments.some(({ length }) => length > SEGMENT_BYTES)) return undefined;
  try {
    const places = createPlaces(eventType, values, context);
    const observations = listObservations(eventType.type, places, context);
    const life = readLife(eventType, places);
    const { kinds, hashedKinds } = places;
    const { steps, pieces } = encodeSegments(
      segments,
      values.map(
        ({ isNumber }, at) =>
          (isNumber ? NUMBER : 0) + (hashedKinds[at] === undefined ? (kinds[at] ?? 0) : HASHED),
      ),
    );
    return {
      type: eventType.type,
      values: values.length,
      steps,
      pieces,
      constantBytes: countConstantBytes(fields),
      vocabularies: values.map(({ name }) => vocabularyOf(eventType, name)),
      hashedKinds: values.map((_, at) => hashedKinds[at] ?? ID),
      observations,
      life,
      swarm: values.findIndex(({ name }) => name === 'swarm_id'),
      matches: 0,
    };
  } catch (error) {
    if (error instanceof UnreadableLayoutError) return undefined;
    throw error;
  }
}

export function isConstant(name: string): boolean {
  return name === 'type' || name === 'v';
}

/** The type of the event, if it is of the current version. */
function readType(fields: readonly SeenField[]): EventType | undefined {
  const type = fields.find(({ name }) => name === 'type');
  const eventType = type === undefined || type.isNumber ? undefined : findEventType(type.value);
  const version = fields.find(({ name }) => name === 'v')?.value ?? '1'; // without a version it is version 1
  return version === String(eventType?.version) ? eventType : undefined;
}

/** The constant bytes in front of each value, and those behind the last. */
function joinSegments(fields: readonly SeenField[], after: string): string[] {
  const segments: string[] = [];
  let segment = '';
  for (const { name, before, constant } of fields) {
    segment += before;
    if (isConstant(name)) segment += constant;
    else {
      segments.push(segment);
      segment = '';
    }
  }
  return [...segments, segment + after];
}

/** Bytes of names and constant values. */
function countConstantBytes(fields: readonly SeenField[]): number {
  let bytes = 0;
  for (const { name, value } of fields) bytes += name.length + (isConstant(name) ? value.length : 0);
  return bytes;
}

/** Where the fields of a decoded event are among the values of a layout. */
interface Places {
  /** Of each value, without the mark of a number. */
  readonly kinds: readonly number[];
  /** What a value must be that is part of a key. */
  readonly hashedKinds: (typeof ID | typeof LABEL | typeof WORD | undefined)[];
  /** The number of the value that gives a field; -1: the event leaves it out. */
  valueOf(decodedName: string): number;
  /** A field as a text: a constant if the event leaves it out. */
  textOf(decodedName: string): KeyPart;
  /** The same; marks the value as a part of a key, which is validated by looking the key up. */
  partOf(decodedName: string): KeyPart;
}

function createPlaces(eventType: EventType, values: readonly SeenField[], { source }: LayoutContext): Places {
  const kinds = values.map((field) => kindOf(eventType, field));
  const hashedKinds: Places['hashedKinds'] = values.map(() => undefined);
  const valueOf = (decodedName: string): number => {
    const rule = eventType.rules.find((each) => each.decodedName === decodedName);
    return rule === undefined ? -1 : values.findIndex(({ name }) => name === rule.name);
  };
  const textOf = (decodedName: string): KeyPart => {
    const value = valueOf(decodedName);
    return value === -1
      ? placeDefault(eventType, decodedName, source)
      : { value, start: 0, length: 0, hash: 0 };
  };
  return {
    kinds,
    hashedKinds,
    valueOf,
    textOf,
    partOf(decodedName) {
      const part = textOf(decodedName);
      const kind = kinds[part.value];
      if (part.value === -1) return part;
      if (kind !== ID && kind !== LABEL && kind !== WORD) throw new UnreadableLayoutError();
      hashedKinds[part.value] = kind;
      return part;
    },
  };
}

/** What a field is that an event leaves out: its default, or an empty text. */
function placeDefault({ rules }: EventType, decodedName: string, source: ReceiveBuffer): KeyPart {
  const text = rules.find((rule) => rule.decodedName === decodedName)?.byDefault ?? '';
  const place = source.placeConstant(text);
  if (place === undefined) throw new UnreadableLayoutError();
  return { value: -1, ...place, hash: source.hash(place.start, place.length) };
}

function kindOf({ rules }: EventType, { name, isNumber }: SeenField): number {
  const rule = rules.find((each) => each.name === name);
  if (rule === undefined) return EXTRA;
  const { kind, decodedName } = rule;
  if (decodedName !== name) return DURATION;
  if (name === 'at') return CLOCK;
  if (kind.plain.read !== undefined) return COUNT;
  if (isNumber) throw new UnreadableLayoutError(); // the text of a number is not always what JSON has
  if (kind.words !== undefined) return WORD;
  return kind.plain.pattern.endsWith(`{1,${ID_BYTES}}`) ? ID : LABEL;
}

function vocabularyOf({ rules }: EventType, name: string): readonly Uint8Array[] | undefined {
  return rules
    .find((rule) => rule.name === name)
    ?.kind.words?.map((word) => Uint8Array.from(word, (character) => character.charCodeAt(0)));
}

function listObservations(type: string, places: Places, { metrics }: LayoutContext): Observation[] {
  const observations: Observation[] = [];
  for (const [at, metric] of metrics.entries()) {
    if (metric.event !== type) continue;
    const value = metric.value === undefined ? -1 : places.valueOf(metric.value);
    if (metric.value !== undefined && value === -1) continue; // the event leaves it out
    if (metric.labels.length > MOST_PARTS) throw new UnreadableLayoutError();
    observations.push({
      metric: at,
      parts: metric.labels.map((label) => places.partOf(label)),
      value,
      scale: metric.type === 'histogram' ? scaleOf(metric) : 1,
    });
  }
  return observations;
}

function readLife({ type, rules }: EventType, places: Places): LifeReading | undefined {
  const has = (field: string): boolean => rules.some(({ name }) => name === field);
  if (!has('coordinator_id')) return undefined;
  const phase = places.textOf('phase');
  return {
    type: type as LifecycleEvent['type'],
    parts: [places.partOf('swarm_id'), places.partOf('coordinator_id')],
    phase: phase.value === -1 && phase.length === 0 ? undefined : phase,
    wait: places.valueOf('wait_id'),
    timeoutType: places.valueOf('timeout_type'),
  };
}

/** The segments as pieces, and the steps that compare them. */
function encodeSegments(
  segments: readonly string[],
  kinds: readonly number[],
): Pick<Layout, 'steps' | 'pieces'> {
  const steps: number[] = [];
  const pieces: number[] = [];
  for (const [at, segment] of segments.entries()) {
    const first = pieces.length;
    pieces.push(...cutSegment(segment));
    steps.push(segment.length, first, pieces.length - 1, kinds[at] ?? EXTRA);
  }
  if (steps.length !== segments.length * STEP_NUMBERS)
    throw new Error('expected four numbers for each segment');
  return { steps: Int32Array.from(steps), pieces: Float64Array.from(pieces) };
}
