import { z } from 'zod';
import type { Setting } from './setting.ts';

const WHOLE_NUMBER = /^\d{1,12}$/;
const SECONDS = /^\d{1,11}$/;
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2}))?$/;
const LABELS = /^(none|[a-zA-Z_]\w*=[^",\\\s]+(,[a-zA-Z_]\w*=[^",\\\s]+)*)$/;
const HTTP_URL = /^https?:\/\/[^\s/]/;

/** The given value of a setting, parsed by its kind. */
export function parseSetting(setting: Setting, given: string): z.ZodSafeParseResult<unknown> {
  return toSchema(setting).safeParse(given);
}

function toSchema(setting: Setting): z.ZodType {
  switch (setting.kind) {
    case 'flag':
      return z.enum(['true', 'false']).transform((word) => word === 'true');
    case 'number':
      return z
        .string()
        .regex(WHOLE_NUMBER)
        .transform(Number)
        .refine((value) => value >= setting.least && value <= setting.most);
    case 'word':
      return z.enum(setting.words);
    case 'text':
      return z.string().regex(setting.pattern);
    case 'time':
      return z
        .string()
        .refine((text) => SECONDS.test(text) || ISO.test(text))
        .transform((text) => (SECONDS.test(text) ? Number(text) * 1_000 : Date.parse(text)))
        .refine(Number.isFinite);
    case 'labels':
      return z
        .string()
        .regex(LABELS)
        .transform((text) => new Map(text === 'none' ? [] : text.split(',').map(splitLabel)));
    case 'urls':
      return z
        .string()
        .transform((text) => text.split(','))
        .refine((urls) => urls.every((url) => HTTP_URL.test(url) && URL.canParse(url)));
  }
}

function splitLabel(label: string): [name: string, value: string] {
  const at = label.indexOf('=');
  return [label.slice(0, at), label.slice(at + 1)];
}
