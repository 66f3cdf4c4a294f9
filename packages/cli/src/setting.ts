/** A setting: a flag and a variable with the same meaning. Data only; `parseSetting` parses its value. */
export type Setting = Kind & {
  readonly flag: string;
  /** Shown in the help, as `--port <port>`; none if the flag takes no value. */
  readonly argument?: string;
  readonly variable: string;
  /** It concerns a single run: it is accepted on the command line only, and a variable of its name is refused. */
  readonly oneShot?: true;
  /** The flag may be given more than once; the values are joined by commas, as in the variable. */
  readonly repeatable?: true;
  readonly defaultInWords?: string;
  readonly help: string;
  /** Why the default and the bounds are what they are. */
  readonly reason: string;
};

/** The form of a value, and its default; without `byDefault` see `defaultInWords`. */
type Kind =
  | { readonly kind: 'flag' }
  | (Valued<'number', number> & { readonly least: number; readonly most: number })
  | (Valued<'word', string> & { readonly words: readonly string[] })
  | (Valued<'text', string> & { readonly pattern: RegExp; readonly expected: string })
  | Valued<'time', never>
  | Valued<'labels', never>
  | Valued<'urls', never>;

interface Valued<Name extends string, Value> {
  readonly kind: Name;
  readonly unit: string;
  readonly byDefault?: Value;
}

/** The value of a setting after parsing; without one and without a default a number is 0, and all others are empty. */
export type SettingValue<Of> = Of extends { readonly kind: 'flag' }
  ? boolean
  : Of extends { readonly kind: 'number' }
    ? number
    : Of extends { readonly kind: 'word'; readonly words: readonly (infer Word)[] }
      ? Word | (Of extends { readonly byDefault: string } ? never : '')
      : Of extends { readonly kind: 'text' }
        ? string
        : Of extends { readonly kind: keyof Parsed }
          ? Parsed[Of['kind']] | ''
          : never;

interface Parsed {
  /** ms since 1970. */
  readonly time: number;
  readonly labels: ReadonlyMap<string, string>;
  readonly urls: readonly string[];
}

/** What is expected of a value, in words. */
export function describeExpected(setting: Setting): string {
  switch (setting.kind) {
    case 'flag':
      return 'one of true, false';
    case 'number':
      return `a whole number from ${setting.least} to ${setting.most}`;
    case 'word':
      return `one of ${setting.words.join(', ')}`;
    case 'text':
      return setting.expected;
    case 'time':
      return 'a time such as 2026-11-24, 2026-11-24T08:00:00Z, or seconds since 1970';
    case 'labels':
      return 'labels such as job=blocking-coordination,instance=streamfold:3000, or none';
    case 'urls':
      return 'URLs of aggregators such as http://127.0.0.1:3000, separated by commas';
  }
}

/** The unit of a value, in words. */
export function describeUnit(setting: Setting): string {
  return setting.kind === 'flag' ? 'true or false' : setting.unit;
}

/** The default, in words or as it would be given. */
export function describeDefault(setting: Setting): { readonly words: string } | { readonly value: string } {
  if (setting.defaultInWords !== undefined) return { words: setting.defaultInWords };
  return { value: setting.kind === 'flag' ? 'false' : String(setting.byDefault) };
}
