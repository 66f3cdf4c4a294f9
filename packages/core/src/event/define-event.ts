import { z } from 'zod';
import type { Upcaster } from '../upcast.ts';
import { clockMs, durationMs, id, INVALID, readFieldRule, version, type FieldRule } from './field.ts';
import { toPlainDecimal } from './plain-decimal.ts';

/** The specific fields of an event, by wire name. */
export type Fields = Readonly<Record<string, z.ZodType>>;

/** An event type: its schema, and the parts that decoding needs. */
export interface EventType<Type extends string = string, Own extends Fields = Fields> {
  readonly type: Type;
  /** The current version of the type. */
  readonly version: number;
  /** Turns each older version into the next, by the version that it starts from. */
  readonly upcasters: ReadonlyMap<number, Upcaster>;
  readonly description: string;
  /** What each field means, by wire name. */
  readonly meanings: Readonly<Record<string, string>>;
  /** The wire form as zod sees it, all values texts; the output is the decoded event. */
  readonly schema: z.ZodType<Decoded<Type, Own>>;
  /** The fields in the order in which they are checked. */
  readonly rules: readonly NamedRule[];
}

interface NamedRule extends FieldRule {
  /** Name on the wire. */
  readonly name: string;
  /** Name in the decoded event. */
  readonly decodedName: string;
}

/** In a decoded event a duration is whole microseconds, and is named so. */
type DecodedName<Name> = Name extends `${infer Quantity}_ms` ? `${Quantity}_micros` : Name;

type DecodedFields<Own extends Fields> = {
  [Name in keyof Own as DecodedName<Name>]: z.output<Own[Name]>;
};

type Optionals<T> = { [Name in keyof T as undefined extends T[Name] ? Name : never]?: T[Name] | undefined };
type Requireds<T> = { [Name in keyof T as undefined extends T[Name] ? never : Name]: T[Name] };

/** The decoded form of an event: wire names and parsed values. */
type Decoded<Type extends string, Own extends Fields> = Readonly<
  { type: Type; swarm_id: string; v: number; id?: string | undefined; at?: number | undefined } & Requireds<
    DecodedFields<Own>
  > &
    Optionals<DecodedFields<Own>>
>;

const COMMON_MEANINGS = {
  swarm_id: 'the swarm that the event belongs to',
  id: "the publisher's id for this event, for tracing and idempotent publishing",
  at: "the publisher's clock, informational",
} as const;

/**
 * Defines an event type with its specific fields; all events have `swarm_id`, `id`, `at` and `v`. A type of a later
 * version than 1 has an upcaster for each older one. docs/event-versions.md says when a version is raised, and how.
 */
export function defineEvent<const Type extends string, const Own extends Fields>(definition: {
  type: Type;
  version?: number;
  upcasters?: ReadonlyMap<number, Upcaster>;
  description: string;
  fields: Own;
  meanings: { readonly [Name in keyof Own]: string };
}): EventType<Type, Own> {
  const { type, version: current = 1, upcasters = new Map(), description, fields, meanings } = definition;
  const shape: Record<string, z.ZodType> = {
    swarm_id: id,
    ...fields,
    id: id.optional(),
    at: clockMs.optional(),
  };
  const rules = Object.entries(shape).map(([name, schema]) => ({
    name,
    decodedName: decodedName(name, schema),
    ...readFieldRule(schema),
  }));
  const wire = z.object({ type: z.literal(type), v: version.default(1), ...shape });
  const schema = wire.transform((fieldValues: Readonly<Record<string, unknown>>) => {
    const decoded: Record<string, unknown> = { type, v: fieldValues['v'] };
    for (const rule of rules) decoded[rule.decodedName] = fieldValues[rule.name];
    return decoded;
  });
  return {
    type,
    version: current,
    upcasters,
    description,
    meanings: { ...COMMON_MEANINGS, ...meanings },
    schema: schema as unknown as z.ZodType<Decoded<Type, Own>>,
    rules,
  };
}

function decodedName(name: string, schema: z.ZodType): string {
  const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
  return inner === durationMs ? name.replace(/_ms$/, '_micros') : name;
}

/** Why an event cannot be decoded. */
export interface FieldFault {
  readonly reason: 'missing_field' | 'invalid_field';
  readonly field: string;
  readonly detail: string;
}

/** A fault shows a bad value up to this number of characters. */
const SHOWN_CHARACTERS = 80;

/** Where the fields of one event come from: a text, `undefined` if there is none, or a value that is not a text. */
export type FieldSource = (name: string) => unknown;

/**
 * The fast way: the decoded event, or the first fault, missing fields before invalid ones. Means the same as `schema`.
 */
export function decodeFields(eventType: EventType, read: FieldSource): Record<string, unknown> | FieldFault {
  const { rules } = eventType;
  const decoded: Record<string, unknown> = { type: eventType.type, v: eventType.version };
  let fault: FieldFault | undefined;
  for (let at = 0; at < rules.length; at++) {
    const rule = rules[at];
    if (rule === undefined) break;
    const value = read(rule.name);
    if (value === undefined) {
      if (rule.required) return missing(rule);
      decoded[rule.decodedName] = rule.byDefault;
      continue;
    }
    const text = toText(value);
    const parsed = text === undefined ? INVALID : rule.kind.parse(text);
    if (parsed === INVALID) fault ??= invalid(rule, value);
    else decoded[rule.decodedName] = parsed;
  }
  return fault ?? decoded;
}

/** The text of a field's value, or `undefined` if it has none: a number whose digits a double does not hold has no text. */
function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && isExact(value) ? toPlainDecimal(value) : undefined;
}

/** True if a double holds the digits of a number: above 2^53 several whole numbers are one. */
export function isExact(value: number): boolean {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER; // false for NaN
}

/** True if decoding failed. */
export function isFault(decoded: Record<string, unknown> | FieldFault): decoded is FieldFault {
  return 'reason' in decoded && 'detail' in decoded && !('type' in decoded);
}

function missing({ name, kind }: NamedRule): FieldFault {
  return {
    reason: 'missing_field',
    field: name,
    detail: `${name}: expected ${kind.expected}; it is missing`,
  };
}

function invalid({ name, kind }: NamedRule, value: unknown): FieldFault {
  const lost =
    typeof value === 'number' && !isExact(value) ? ', a number too large to be exact: send it as a text' : '';
  const shown = showValue(value) + lost;
  return { reason: 'invalid_field', field: name, detail: `${name}: expected ${kind.expected}; got ${shown}` };
}

/** A value for an error text, cut if it is long. */
export function showValue(value: unknown): string {
  const text =
    typeof value === 'string' ? JSON.stringify(value.slice(0, SHOWN_CHARACTERS + 1)) : describe(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : String(value);
}
