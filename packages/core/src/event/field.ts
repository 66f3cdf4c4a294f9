import { z } from 'zod';

/**
 * The kinds of fields that events have. Each is a zod schema, which is the source of types, of validation and of the
 * reference in the docs, and beside it a fast parser of the same meaning, which decoding uses: `test/core` holds the two
 * to each other on generated input.
 */
interface FieldKind {
  /** What is expected, in words, for error texts and the reference. */
  readonly expected: string;
  /** The value of a text, or `INVALID`. */
  readonly parse: (text: string) => string | number | typeof INVALID;
  /** The usual form of texts of this kind, to find them in JSON. */
  readonly plain: PlainTexts;
  /** All values, if they are a few words. */
  readonly words?: readonly string[];
}

/** Some texts of a kind, recognised by a regular expression alone: all are valid, and ASCII that JSON writes without escapes. */
interface PlainTexts {
  /** Source of the expression, without groups that capture. */
  readonly pattern: string;
  /** The value of such a text, the same as `parse` gives; `undefined` if it is the text itself. */
  readonly read: ((text: string) => number) | undefined;
  /** The same texts as `pattern` matches, for code that looks at each character itself. */
  readonly form: PlainForm;
}

/**
 * - `name`: 1 to `most` characters of `NAME_CHARACTERS`;
 * - `word`: one of `words`;
 * - `whole`: 1 to `digits` digits;
 * - `decimal`: the same, which a point and at least one digit may follow.
 */
export type PlainForm =
  | { readonly form: 'name'; readonly most: number }
  | { readonly form: 'word'; readonly words: ReadonlySet<string> }
  | { readonly form: 'whole'; readonly digits: number }
  | { readonly form: 'decimal'; readonly digits: number };

/** The result of a fast parser for a text that is not of its kind. */
export const INVALID = Symbol('invalid');

const kinds = new WeakMap<z.ZodType, FieldKind>();

/** The kind of a field's schema, and whether the field may be left out, and what it then is. */
export interface FieldRule {
  readonly kind: FieldKind;
  readonly required: boolean;
  readonly byDefault: string | undefined;
}

/** Reads the rule out of a field's schema: the schema stays the single source. */
export function readFieldRule(schema: z.ZodType): FieldRule {
  if (schema instanceof z.ZodDefault) {
    const inner = readFieldRule(schema.unwrap() as z.ZodType);
    return { ...inner, required: false, byDefault: String(schema.def.defaultValue) };
  }
  if (schema instanceof z.ZodOptional) {
    return { ...readFieldRule(schema.unwrap() as z.ZodType), required: false };
  }
  const kind = kinds.get(schema);
  if (kind === undefined) throw new TypeError('expected a field schema of field.ts');
  return { kind, required: true, byDefault: undefined };
}

function ofKind<T extends z.ZodType>(schema: T, kind: FieldKind): T {
  kinds.set(schema, kind);
  return schema;
}

/** Letters, digits and these: none of them needs escaping in JSON, in a label value or in a key. */
const CHARACTER = String.raw`[A-Za-z0-9_\-.:/@]`;

/** The characters of ids and labels, by their ASCII codes: 1 if it is one of them. */
export const NAME_CHARACTERS = Uint8Array.from({ length: 128 }, (_, code) =>
  new RegExp(CHARACTER).test(String.fromCharCode(code)) ? 1 : 0,
);

function text(most: number): z.ZodString {
  const plain: PlainTexts = {
    pattern: `${CHARACTER}{1,${most}}`,
    read: undefined,
    form: { form: 'name', most },
  };
  const pattern = new RegExp(`^${plain.pattern}$`);
  return ofKind(z.string().regex(pattern), {
    expected: `1 to ${most} characters of A-Z a-z 0-9 _ - . : / @`,
    parse: (value) => (pattern.test(value) ? value : INVALID),
    plain,
  });
}

/** A name of a swarm, coordinator, wait, signal or event. */
export const id = text(128);

/** A phase or a type of signal. */
export const labelText = text(64);

/** One of a few words. */
export function oneOf<const T extends readonly [string, ...string[]]>(
  ...words: T
): z.ZodEnum<{ [W in T[number]]: W }> {
  const schema = z.enum(words) as unknown as z.ZodEnum<{ [W in T[number]]: W }>;
  const set = new Set<string>(words);
  return ofKind(schema, {
    expected: `one of ${words.join(', ')}`,
    parse: (value) => (set.has(value) ? value : INVALID),
    plain: { pattern: `(?:${words.join('|')})`, read: undefined, form: { form: 'word', words: set } },
    words,
  });
}

/** Longest duration, ms: a year of 365 days. */
const LONGEST_MS = 31_536_000_000;
/** However many digits: the shortest decimal of a small number has more than twenty. */
const DECIMAL = /^\d+(\.\d+)?$/;

/** Decimals of fewer digits before the point than `most` has, so that none of them exceeds it. */
function plainDecimal(most: number): Omit<PlainTexts, 'read'> {
  const digits = String(most).length - 1;
  return { pattern: String.raw`\d{1,${digits}}(?:\.\d+)?`, form: { form: 'decimal', digits } };
}

/** Decimal milliseconds; the value is whole microseconds. */
export const durationMs = ofKind(
  z.string().transform((value, context) => {
    const micros = parseDurationMicros(value);
    if (micros !== INVALID) return micros;
    context.issues.push({ code: 'custom', message: 'expected a duration', input: value });
    return z.NEVER;
  }),
  {
    expected: `decimal milliseconds from 0 to ${LONGEST_MS}, without sign or exponent`,
    parse: parseDurationMicros,
    plain: { ...plainDecimal(LONGEST_MS), read: readDurationMicros },
  },
);

/**
 * Whole microseconds of decimal milliseconds, rounded half up. Exact: read off the digits, not through a fraction in
 * binary, in which 12.0005 ms would be a little less than it is.
 */
function parseDurationMicros(value: string): number | typeof INVALID {
  if (!DECIMAL.test(value)) return INVALID;
  const point = value.indexOf('.');
  if (point === -1) {
    const ms = Number(value);
    return ms <= LONGEST_MS ? ms * 1_000 : INVALID;
  }
  const ms = Number(value.slice(0, point));
  const exceeds = ms > LONGEST_MS || (ms === LONGEST_MS && /[1-9]/.test(value.slice(point + 1)));
  return exceeds ? INVALID : addFraction(ms, value.slice(point + 1));
}

function readDurationMicros(decimal: string): number {
  const point = decimal.indexOf('.');
  if (point === -1) return Number(decimal) * 1_000;
  return addFraction(Number(decimal.slice(0, point)), decimal.slice(point + 1));
}

function addFraction(ms: number, fraction: string): number {
  const roundUp = fraction.charCodeAt(3) >= FIVE ? 1 : 0;
  return ms * 1_000 + Number(fraction.slice(0, 3).padEnd(3, '0')) + roundUp;
}

const FIVE = 53;

function wholeNumber(most: number, what: string): z.ZodType<number, string> {
  const pattern = /^\d{1,16}$/;
  const parse = (value: string): number | typeof INVALID => {
    const parsed = pattern.test(value) ? Number(value) : Number.NaN;
    return parsed <= most ? parsed : INVALID;
  };
  const schema = z.string().transform((value, context) => {
    const parsed = parse(value);
    if (parsed !== INVALID) return parsed;
    context.issues.push({ code: 'custom', message: `expected ${what}`, input: value });
    return z.NEVER;
  });
  const digits = String(most).length - 1;
  const plain: PlainTexts = {
    pattern: String.raw`\d{1,${digits}}`,
    read: Number,
    form: { form: 'whole', digits },
  };
  return ofKind(schema, { expected: `${what} from 0 to ${most}`, parse, plain });
}

/** How many ACKs a wait needs. */
export const count = wholeNumber(1_000_000, 'a whole number');

/** A publisher's clock, ms since 1970; a fraction is allowed, since some clocks have one. */
export const clockMs = ofKind(
  z.string().transform((value, context) => {
    const parsed = parseClockMs(value);
    if (parsed !== INVALID) return parsed;
    context.issues.push({ code: 'custom', message: 'expected a clock', input: value });
    return z.NEVER;
  }),
  {
    expected: `milliseconds since 1970 from 0 to ${Number.MAX_SAFE_INTEGER}`,
    parse: parseClockMs,
    plain: { ...plainDecimal(Number.MAX_SAFE_INTEGER), read: Number },
  },
);

function parseClockMs(value: string): number | typeof INVALID {
  if (!DECIMAL.test(value)) return INVALID;
  const parsed = Number(value);
  return parsed <= Number.MAX_SAFE_INTEGER ? parsed : INVALID;
}

/** The version of an event's type; which ones are supported is decided before any field is looked at. */
export const version = wholeNumber(1_000_000, 'a whole number');
