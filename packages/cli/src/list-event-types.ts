import { EVENT_TYPES } from '@streamfold/core';

/** The types of events and their fields, for the help of `publish`. */
export function listEventTypes(): string {
  const lines = EVENT_TYPES.map(({ type, rules }) => {
    const fields = rules.map(({ name, required }) => (required ? name : `[${name}]`));
    return `  ${type.padEnd(26)}${fields.filter((field) => field !== '[id]' && field !== '[at]').join(' ')}`;
  });
  return `Types and their fields; every event also takes [id], [at] and [v]:\n${lines.join('\n')}`;
}
