import { MappingType, type ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';

/** Shows these texts instead of their values. */
export function buildMappings(texts: Readonly<Record<string, string>>): ValueMapping[] {
  const options = Object.fromEntries(Object.entries(texts).map(([value, text]) => [value, { text }]));
  return [{ type: MappingType.ValueToText, options }];
}
