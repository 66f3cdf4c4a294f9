/** Wire fields of one event: texts, or what JSON gave. */
export type WireFields = Readonly<Record<string, unknown>>;

/** Turns the fields of an event of one version into those of the next. Pure; may throw for fields it cannot use. */
export type Upcaster = (fields: WireFields) => WireFields;

/** Upcasters by event type and by the version that they start from. */
export type Upcasters = ReadonlyMap<string, ReadonlyMap<number, Upcaster>>;

/** No upcasters other than those of the event types. */
export const noUpcasters: Upcasters = new Map();

/**
 * The fields as version `to`, converted by one upcaster after the other; `undefined` if there is no such chain, so that
 * the version is not supported.
 */
export function upcast(
  chain: ReadonlyMap<number, Upcaster>,
  { from, to }: { from: number; to: number },
  fields: WireFields,
): WireFields | undefined {
  let upcasted = fields;
  for (let version = from; version < to; version++) {
    const upcaster = chain.get(version);
    if (upcaster === undefined) return undefined;
    upcasted = upcaster(upcasted);
  }
  return from > to ? undefined : upcasted;
}

/** The fields of a flat entry (name, value, name, value …) as an object; if a name comes twice, the last value. */
export function toWireFields(flat: readonly string[]): WireFields {
  const pairs: [string, string][] = [];
  for (let at = 0; at < flat.length; at += 2) pairs.push([flat[at] ?? '', flat[at + 1] ?? '']);
  return Object.fromEntries(pairs);
}
