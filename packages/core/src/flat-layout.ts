import type { EventType } from './event/define-event.ts';
import { findEventType, type Event } from './event/event-types.ts';
import { INVALID } from './event/field.ts';

/**
 * Decodes flat entries by the position of their fields. Entries of one publisher have the same names in the same order:
 * comparing them with those of an entry that was decoded before takes less time than searching for each name.
 */
export interface FlatLayouts {
  /** The event, or `undefined` where no such entry is known or anything is wrong with it: the names then decide. */
  decode(fields: readonly string[]): Event | undefined;
  /** Learns the names of an entry that was decoded. */
  learn(fields: readonly string[]): void;
}

/** Most layouts that are learned of one type: an entry that is like none of them is compared with each. */
const LAYOUTS_PER_TYPE = 6;

/** No layout is known yet. */
export function createFlatLayouts(): FlatLayouts {
  const layoutsByType = new Map<string, FlatLayout[]>();
  return {
    decode(fields) {
      const layouts = fields[0] === 'type' ? layoutsByType.get(fields[1] ?? '') : undefined;
      const layout = layouts?.find(({ names }) => haveNames(fields, names));
      return layout === undefined ? undefined : decodeByPosition(layout, fields);
    },
    learn(fields) {
      const [first, type] = fields;
      const eventType = first === 'type' && type !== undefined ? findEventType(type) : undefined;
      if (eventType === undefined || fields.length % 2 !== 0) return;
      const layouts = layoutsByType.get(eventType.type) ?? [];
      if (layouts.length === LAYOUTS_PER_TYPE) return;
      layoutsByType.set(eventType.type, [...layouts, createFlatLayout(eventType, fields)]);
    },
  };
}

interface FlatLayout {
  readonly eventType: EventType;
  readonly version: string;
  /** The names at 0, 2, 4 …, and nothing at the places of values. */
  readonly names: readonly (string | undefined)[];
  /** Where the value of each rule is: of a name that comes twice the last one; -1 where there is none. */
  readonly positions: readonly number[];
  /** The same of `v`. */
  readonly versionPosition: number;
}

function createFlatLayout(eventType: EventType, fields: readonly string[]): FlatLayout {
  const names = fields.map((text, at) => (at % 2 === 0 ? text : undefined));
  const positionOf = (name: string): number => {
    const at = names.lastIndexOf(name);
    return at === -1 ? -1 : at + 1;
  };
  return {
    eventType,
    version: String(eventType.version),
    names,
    positions: eventType.rules.map(({ name }) => positionOf(name)),
    versionPosition: positionOf('v'),
  };
}

function haveNames(fields: readonly string[], names: readonly (string | undefined)[]): boolean {
  if (fields.length !== names.length) return false;
  for (let at = 2; at < names.length; at += 2) if (fields[at] !== names[at]) return false;
  return true;
}

function decodeByPosition(layout: FlatLayout, fields: readonly string[]): Event | undefined {
  const { eventType, positions, version, versionPosition } = layout;
  if (versionPosition !== -1 && fields[versionPosition] !== version) return undefined;
  const decoded: Record<string, unknown> = { type: eventType.type, v: eventType.version };
  for (let at = 0; at < positions.length; at++) {
    const rule = eventType.rules[at];
    const position = positions[at];
    if (rule === undefined || position === undefined) break;
    const text = fields[position];
    if (position === -1 || text === undefined) {
      decoded[rule.decodedName] = rule.byDefault;
      continue;
    }
    const parsed = rule.kind.parse(text);
    if (parsed === INVALID) return undefined;
    decoded[rule.decodedName] = parsed;
  }
  return decoded as unknown as Event;
}
