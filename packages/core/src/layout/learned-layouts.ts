import type { LayoutContext } from './compile-layout.ts';
import { describeBatch, describeFlat, LayoutList } from './learn-layout.ts';
import { describeLine, escapeEvent } from './line-form.ts';

/** Where an entry stands: in a reply of Redis, or in a line of an archive. */
export type EntryForm = 'reply' | 'line';

/** What was learned of the events of flat entries and of batches, in each of the forms in which entries are read. */
export class LearnedLayouts {
  readonly flat: Readonly<Record<EntryForm, LayoutList>>;
  readonly batches: Readonly<Record<EntryForm, LayoutList>>;

  constructor(context: LayoutContext) {
    this.flat = { reply: new LayoutList(context), line: new LayoutList(context) };
    this.batches = { reply: new LayoutList(context), line: new LayoutList(context) };
  }

  /** Learns from an entry that was decoded; `valid` are the places of its events that have no fault. */
  learn(fields: readonly string[], valid: readonly number[], form: EntryForm): void {
    if (fields.length === 2 && fields[0] === 'events') {
      const list = this.batches[form];
      if (!list.takesNext()) return;
      const indexes = new Set(valid);
      for (const { index, event } of describeBatch(fields[1] ?? ''))
        if (indexes.has(index)) list.learn(form === 'reply' ? event : escapeEvent(event));
      return;
    }
    const list = this.flat[form];
    if (!list.takesNext()) return;
    const event = form === 'reply' ? describeFlat(fields) : describeLine(fields);
    if (event !== undefined) list.learn(event);
  }
}
