import type { EventType } from './event/define-event.ts';
import { findEventType, type Event } from './event/event-types.ts';
import type { WireFields } from './upcast.ts';

/**
 * Finds the events of a batch in its text without JSON.parse, which takes longer than everything else that is done with
 * an event.
 *
 * The events of one publisher have the same fields in the same order, with plain texts as values. Such a layout is learned
 * from an event that was parsed, and becomes one regular expression, which matches only what JSON.parse would read as just
 * these fields, all of them valid. If a text does not match from its first character to its last, for any reason, JSON.parse
 * decides. So the layouts change the cost of decoding, never its result.
 */
export interface EventScanner {
  /**
   * Adds the events of `text`, a JSON array, to `events`, decoded. If it has `stopped`, the text may be such an array or
   * not, and what was added are its first events at best; the one after them has no layout that is known. Linear in the
   * length of the text.
   */
  scan(text: string, events: Event[]): 'complete' | 'stopped';
  /** Learns the layout of a decoded event from its fields as JSON gave them. */
  learn(wire: WireFields): void;
}

/** Most layouts learned per type: a text that matches only the last one costs this number of tries per event. */
const LAYOUTS_PER_TYPE = 6;
/** Most fields of a layout: twice those of the largest event. */
const LAYOUT_FIELDS = 20;

/** A scanner that knows no layout yet. */
export function createEventScanner(): EventScanner {
  const layouts: Layout[] = [];
  const signatures = new Set<string>();

  return {
    scan(text, events) {
      if (text.charCodeAt(0) !== OPENING_BRACKET) return 'stopped';
      let at = 1;
      while (at < text.length) {
        const end = readEvent(layouts, { text, at, events });
        if (end === NO_MATCH) return 'stopped';
        if (text.charCodeAt(end - 1) === CLOSING_BRACKET) return end === text.length ? 'complete' : 'stopped';
        at = end;
      }
      return 'stopped';
    },
    learn(wire) {
      const { type, v = '1' } = wire; // without a version it is version 1
      const eventType = typeof type === 'string' ? findEventType(type) : undefined;
      if (eventType === undefined || v !== String(eventType.version)) return;
      const names = Object.keys(wire);
      if (names.length > LAYOUT_FIELDS || !names.every((name) => isPlainField(name, wire[name]))) return;
      const signature = [type, ...names].join(' ');
      if (signatures.has(signature)) return;
      if (layouts.filter((layout) => layout.type === type).length === LAYOUTS_PER_TYPE) return;
      signatures.add(signature);
      layouts.push(createLayout(eventType, names));
    },
  };
}

const OPENING_BRACKET = 91;
const CLOSING_BRACKET = 93;
const NO_MATCH = -1;

const PLAIN_NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** Matches texts that JSON writes without escapes. */
const PLAIN_TEXT = String.raw`[ !#-\[\]-~]*`;

function isPlainField(name: string, value: unknown): boolean {
  return typeof value === 'string' && PLAIN_NAME.test(name);
}

/** Exactly these fields in this order, with plain texts as values. */
interface Layout {
  readonly type: string;
  readonly version: number;
  /** Matches one event and the comma or bracket after it, where it is tried. */
  readonly expression: RegExp;
  /** The fields of the decoded event. */
  readonly fields: readonly LayoutField[];
  /** Number of events that it matched. Layouts with more matches are tried first. */
  matches: number;
}

interface LayoutField {
  readonly decodedName: string;
  /** The group of the expression that captures it; 0 if the layout has no such field. */
  readonly group: number;
  readonly byDefault: string | undefined;
  readonly read: ((text: string) => number) | undefined;
}

function createLayout({ type, version, rules }: EventType, names: readonly string[]): Layout {
  const captured = names.filter((name) => rules.some((rule) => rule.name === name));
  const valuePattern = (name: string): string => {
    if (name === 'type') return type.replaceAll('.', String.raw`\.`);
    if (name === 'v') return String(version);
    const rule = rules.find((each) => each.name === name);
    return rule === undefined ? PLAIN_TEXT : `(${rule.kind.plain.pattern})`;
  };
  const fieldPatterns = names.map((name) => `"${name}": ?"${valuePattern(name)}"`);
  return {
    type,
    version,
    expression: new RegExp(String.raw` ?\{${fieldPatterns.join(', ?')}\}[,\]]`, 'y'),
    fields: rules.map(({ name, decodedName, byDefault, kind }) => ({
      decodedName,
      group: captured.indexOf(name) + 1,
      byDefault,
      read: kind.plain.read,
    })),
    matches: 0,
  };
}

interface Place {
  readonly text: string;
  readonly at: number;
  readonly events: Event[];
}

/** Adds the event at `at`. Returns the beginning of the next one, or `NO_MATCH`. */
function readEvent(layouts: Layout[], { text, at, events }: Place): number {
  for (let index = 0; index < layouts.length; index++) {
    const layout = layouts[index];
    if (layout === undefined) break;
    layout.expression.lastIndex = at;
    const groups = layout.expression.exec(text);
    if (groups === null) continue;
    layout.matches++;
    const before = layouts[index - 1];
    if (before !== undefined && before.matches < layout.matches) {
      layouts[index - 1] = layout;
      layouts[index] = before;
    }
    events.push(decodeGroups(layout, groups));
    return layout.expression.lastIndex;
  }
  return NO_MATCH;
}

function decodeGroups({ type, version, fields }: Layout, groups: readonly string[]): Event {
  const decoded: Record<string, unknown> = { type, v: version };
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at];
    if (field === undefined) break;
    const { decodedName, group, byDefault, read } = field;
    const text = groups[group];
    if (group === 0 || text === undefined) decoded[decodedName] = byDefault;
    else decoded[decodedName] = read === undefined ? text : read(text);
  }
  return decoded as unknown as Event;
}
