import type { EventFields } from './event-fields.ts';
import { createTemplate, fitsTemplate, type EventTemplate } from './event-template.ts';

/** The templates of one program, which publishes few kinds of events, each with the same fields in the same order. */
export interface TemplateList {
  /** The template that an event fits, if there is one. */
  find(fields: EventFields): EventTemplate | undefined;
  /** Makes a template for events with the fields of this one, which is valid. */
  learn(fields: EventFields): void;
}

/** Most templates per type: an event that fits only the last one costs this number of tries. */
const TEMPLATES_PER_TYPE = 8;

export function createTemplateList(): TemplateList {
  /** By type; those that were used last come first. */
  const lists = new Map<unknown, EventTemplate[]>();
  let latest: EventTemplate | undefined;

  return {
    find(fields) {
      if (latest !== undefined && fitsTemplate(latest, fields)) return latest;
      const list = lists.get(typeOf(fields));
      if (list === undefined) return undefined;
      for (let at = 0; at < list.length; at++) {
        const template = list[at];
        if (template === undefined || !fitsTemplate(template, fields)) continue;
        moveToFront(list, at);
        latest = template;
        return template;
      }
      return undefined;
    },
    learn(fields) {
      const template = createTemplate(fields);
      if (template === undefined) return;
      const list = lists.get(template.type) ?? [];
      lists.set(template.type, list);
      list.unshift(template);
      list.length = Math.min(list.length, TEMPLATES_PER_TYPE);
    },
  };
}

function typeOf({ names, values, count }: EventFields): unknown {
  for (let at = 0; at < count; at++) if (names[at] === 'type') return values[at];
  return undefined;
}

function moveToFront(list: EventTemplate[], at: number): void {
  if (at === 0) return;
  const [template] = list.splice(at, 1);
  if (template !== undefined) list.unshift(template);
}
