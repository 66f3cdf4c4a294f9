import type { EventType } from '../event/define-event.ts';
import { findEventType } from '../event/event-types.ts';

/** How a metric can use a field of an event. */
export interface EventField {
  /** Name on the wire, as users know it, and in the decoded event. */
  readonly name: string;
  readonly decodedName: string;
  /** `text` and `number` can be a label, `duration` and `number` a value; `clock` is neither. */
  readonly kind: 'text' | 'duration' | 'number' | 'clock';
}

/** The fields of an event type; none if there is no such type. */
export function listEventFields(type: string): readonly EventField[] {
  const eventType = findEventType(type);
  return eventType === undefined ? [] : eventType.rules.map(toField);
}

function toField({ name, decodedName, kind }: EventType['rules'][number]): EventField {
  if (name === 'at') return { name, decodedName, kind: 'clock' };
  if (decodedName !== name) return { name, decodedName, kind: 'duration' };
  return { name, decodedName, kind: kind.plain.read === undefined ? 'text' : 'number' };
}
