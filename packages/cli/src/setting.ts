import { z } from 'zod';

/** A setting: a flag and a variable that mean the same. */
export interface Setting {
  readonly flag: string;
  /** Shown in the help, as `--port <port>`; none where the flag takes no value. */
  readonly argument?: string;
  readonly variable: string;
  /** It says what one run is to do: it counts only on the command line, and a variable of its name is refused. */
  readonly oneShot?: true;
  /** The flag may be given more than once; the values are joined by commas, as the variable has them. */
  readonly repeatable?: true;
  readonly schema: z.ZodType;
  /** What is expected, in words. */
  readonly expected: string;
  readonly unit: string;
  /** `undefined`: see `defaultInWords`. */
  readonly byDefault?: string | number;
  readonly defaultInWords?: string;
  readonly help: string;
  /** Why the default and the bounds are what they are. */
  readonly reason: string;
}

/** A whole number within bounds. */
export function wholeNumber(least: number, most: number): Pick<Setting, 'schema' | 'expected'> {
  const schema = z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most);
  return { schema, expected: `a whole number from ${least} to ${most}` };
}

/** One of some words. */
export function oneOf(...words: [string, ...string[]]): Pick<Setting, 'schema' | 'expected'> {
  return { schema: z.enum(words), expected: `one of ${words.join(', ')}` };
}

/** Text of a pattern. */
export function text(pattern: RegExp, expected: string): Pick<Setting, 'schema' | 'expected'> {
  return { schema: z.string().regex(pattern), expected };
}
