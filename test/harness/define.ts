import { createDefinitions, type Definitions } from '@streamfold/core';

/** The definitions of a configuration file. @throws if it is invalid. */
export function define(content: unknown): Definitions {
  const created = createDefinitions(content);
  if (created.outcome === 'invalid') throw new Error(created.problems.join('\n'));
  return created.definitions;
}
