import {
  compileLayout,
  isConstant,
  type LayoutContext,
  type SeenEvent,
  type SeenField,
} from './compile-layout.ts';
import type { Layout } from './layout.ts';

/** Most layouts of one form. Those that match most are tried first; further ones are decoded the slow way. */
const MOST_LAYOUTS = 64;

/** The layouts that events of one form, flat or in batches, were found to have. */
export class LayoutList {
  readonly layouts: Layout[] = [];
  private readonly seen = new Set<string>();
  private readonly context: LayoutContext;

  constructor(context: LayoutContext) {
    this.context = context;
  }

  /** True if another layout would still be learned. */
  get isOpen(): boolean {
    return this.seen.size < MOST_LAYOUTS;
  }

  /** Learns the layout of an event that was decoded without a fault, unless it is known. */
  learn(event: SeenEvent): void {
    if (!this.isOpen) return;
    const signature = JSON.stringify([
      event.fields.map(({ name, before, constant, isNumber }) => [
        before,
        isNumber,
        isConstant(name) ? constant : '',
      ]),
      event.after,
    ]);
    if (this.seen.has(signature)) return;
    this.seen.add(signature);
    const layout = compileLayout(event, this.context);
    if (layout !== undefined) this.layouts.push(layout);
  }

  /** Notes that the layout at `place` has matched: it moves forward once it has matched more often than the one before. */
  matched(place: number): void {
    const layout = this.layouts[place];
    if (layout === undefined) return;
    layout.matches++;
    const before = this.layouts[place - 1];
    if (before === undefined || before.matches >= layout.matches) return;
    this.layouts[place - 1] = layout;
    this.layouts[place] = before;
  }
}

const PRINTABLE = /^[ -~]*$/;

/** A flat entry of one event; `undefined` if it has names or values of another alphabet, whose bytes are not its characters. */
export function describeFlat(fields: readonly string[]): SeenEvent | undefined {
  if (!fields.every((text) => PRINTABLE.test(text))) return undefined;
  const seen: SeenField[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    const value = fields[at + 1] ?? '';
    const lead = at === 0 ? `*${fields.length}\r\n` : '\r\n';
    seen.push({
      name,
      value,
      isNumber: false,
      before: `${lead}$${name.length}\r\n${name}\r\n$`,
      constant: `${value.length}\r\n${value}`,
    });
  }
  return { fields: seen, after: '\r\n' };
}

/** A text without escapes, or a plain number; then what is between it and the next name or the end of the event. */
const FIELD = /"([ !#-[\]-~]*)": ?(?:"([ !#-[\]-~]*)"|((?:0|[1-9]\d*)(?:\.\d+)?)(?=[,}]))/y;

/**
 * The events of a batch in its text, as JSON.stringify, Python and Go write them, each with its place; ends at the first that
 * is written otherwise.
 */
export function* describeBatch(text: string): Generator<{ index: number; event: SeenEvent }> {
  let at = 1;
  for (let index = 0; text[at - 1] === (index === 0 ? '[' : ','); index++) {
    if (text[at] === ' ') at++;
    const event = describeJsonEvent(text, at);
    if (event === undefined) return;
    yield { index, event: event.seen };
    at = event.end + 1;
  }
}

function describeJsonEvent(text: string, start: number): { seen: SeenEvent; end: number } | undefined {
  if (text[start] !== '{') return undefined;
  const fields: SeenField[] = [];
  let before = '{';
  for (let at = start + 1; ;) {
    FIELD.lastIndex = at;
    const field = FIELD.exec(text);
    if (field === null) return undefined;
    const [whole, name = '', quoted, number] = field;
    const value = quoted ?? number ?? '';
    const isNumber = quoted === undefined;
    const closing = isNumber ? '' : '"';
    const lead = whole.slice(0, whole.length - value.length - closing.length);
    fields.push({ name, value, isNumber, before: before + lead, constant: value });
    at += whole.length;
    if (text[at] === '}') return { seen: { fields, after: `${closing}}` }, end: at + 1 };
    if (text[at] !== ',') return undefined;
    const separator = text[at + 1] === ' ' ? ', ' : ',';
    at += separator.length;
    before = closing + separator;
  }
}
