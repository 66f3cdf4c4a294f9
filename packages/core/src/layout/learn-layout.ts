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

/** With so many layouts, one of so many decoded events is learned, in place of the layout that matched least. */
const LEARN_ONE_IN = 100;

/** The layouts that events of one form, flat or in batches, were found to have. */
export class LayoutList {
  readonly layouts: Layout[] = [];
  /** By what is constant in their events; `undefined`: such events have to be decoded. The oldest first. */
  private readonly learned = new Map<string, Layout | undefined>();
  private untilNext = LEARN_ONE_IN;
  private matches = 0;
  private readonly context: LayoutContext;

  constructor(context: LayoutContext) {
    this.context = context;
  }

  /** Asked for each decoded event: true if its layout is to be learned. */
  takesNext(): boolean {
    if (this.learned.size < MOST_LAYOUTS) return true;
    if (--this.untilNext > 0) return false;
    this.untilNext = LEARN_ONE_IN;
    return true;
  }

  /** Learns the layout of an event that was decoded without a fault, unless it is known. */
  learn(event: SeenEvent): void {
    const signature = signatureOf(event);
    if (this.learned.has(signature)) return;
    if (this.learned.size >= MOST_LAYOUTS) this.forgetOne();
    const layout = compileLayout(event, this.context);
    this.learned.set(signature, layout);
    if (layout !== undefined) this.layouts.push(layout);
  }

  /** Forgets the one that has matched least lately; of those that are equal, the oldest. */
  private forgetOne(): void {
    let least = Infinity;
    let forgotten = '';
    for (const [signature, layout] of this.learned) {
      const matches = layout?.matches ?? 0;
      if (matches < least) [least, forgotten] = [matches, signature];
      if (layout !== undefined) layout.matches = matches >> 1; // what matched long ago counts less
    }
    const place = this.layouts.findIndex((layout) => layout === this.learned.get(forgotten));
    if (place !== -1) this.layouts.splice(place, 1);
    this.learned.delete(forgotten);
  }

  /**
   * Notes that the layout at `place` has matched: it moves forward once it has matched more often than the one before. Only
   * one match in eight is counted, which gives the same order at less cost.
   */
  matched(place: number): void {
    this.matches = (this.matches + 1) & 7;
    if (this.matches === 0) this.count(place);
  }

  private count(place: number): void {
    const layout = this.layouts[place];
    if (layout === undefined) return;
    layout.matches++;
    if (place === 0) return;
    const before = this.layouts[place - 1];
    if (before === undefined || before.matches >= layout.matches) return;
    this.layouts[place - 1] = layout;
    this.layouts[place] = before;
  }
}

/** What is constant in the events of a layout. Its parts are printable: a zero byte ends each. */
function signatureOf({ fields, after }: SeenEvent): string {
  let signature = after;
  for (const { name, before, constant, isNumber } of fields)
    signature += `\0${before}\0${isConstant(name) ? constant : ''}\0${isNumber ? 'number' : 'text'}`;
  return signature;
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
