import type { InvalidEvent } from '../encode-event.ts';
import { showValue } from '../event/define-event.ts';
import { mostBytes } from './value-writer.ts';

/** Few events have more fields. */
const USUAL_FIELDS = 16;

/** The fields of one event, as they were read; those that are `undefined` are left out. Made once, used for many events. */
export class EventFields {
  readonly names: string[] = new Array<string>(USUAL_FIELDS);
  readonly values: unknown[] = new Array<unknown>(USUAL_FIELDS);
  /** The number of fields: what follows in the arrays belongs to an earlier event. */
  count = 0;
  /** The bytes that the values take at most if they are plain. */
  valueBytes = 0;

  /** Keeps no value alive. */
  clear(): void {
    this.values.length = Math.min(this.values.length, USUAL_FIELDS);
    this.values.fill(undefined);
    this.names.length = Math.min(this.names.length, USUAL_FIELDS);
    this.count = 0;
    this.valueBytes = 0;
  }
}

/**
 * Reads the fields of an event: its own enumerable ones, in the order of `Object.keys`, each once, since a getter may give
 * something else the second time. Never throws; returns why it cannot be read.
 */
export function readFields(given: unknown, into: EventFields): InvalidEvent | undefined {
  into.count = 0;
  try {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      return refuse(`expected an event object; got ${showValue(given)}`);
    }
    if (hasOnlyOwnFields(given)) readOwnFields(given as Readonly<Record<string, unknown>>, into);
    else readListedFields(given as Readonly<Record<string, unknown>>, into);
    return undefined;
  } catch (error) {
    return describeUnreadable(error);
  }
}

/** Why an event cannot be read: what its getters threw. */
export function describeUnreadable(error: unknown): InvalidEvent {
  const why = error instanceof Error ? error.message : showValue(error);
  return refuse(`expected an event that can be read; reading it failed: ${why}`);
}

function refuse(detail: string): InvalidEvent {
  return { ok: false, reason: 'invalid_field', field: '', detail };
}

const EMPTY = {};

/** True if `for … in` finds no inherited field: the usual case, which is read several times as fast. */
function hasOnlyOwnFields(given: object): boolean {
  // oxlint-disable-next-line guard-for-in -- what is inherited is looked for
  for (const inherited in EMPTY) if (inherited !== undefined) return false;
  return Object.getPrototypeOf(given) === Object.prototype;
}

function readOwnFields(given: Readonly<Record<string, unknown>>, into: EventFields): void {
  const { names, values } = into;
  let count = 0;
  let bytes = 0;
  for (const name in given) {
    const value = given[name];
    if (value === undefined) continue;
    names[count] = name;
    values[count] = value;
    bytes += mostBytes(value);
    count++;
  }
  into.count = count;
  into.valueBytes = bytes;
}

function readListedFields(given: Readonly<Record<string, unknown>>, into: EventFields): void {
  let count = 0;
  let bytes = 0;
  for (const name of Object.keys(given)) {
    const value = given[name];
    if (value === undefined) continue;
    into.names[count] = name;
    into.values[count] = value;
    bytes += mostBytes(value);
    count++;
  }
  into.count = count;
  into.valueBytes = bytes;
}
