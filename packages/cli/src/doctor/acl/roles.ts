import { DUTIES, type Duty, type DutyName } from './duties.ts';

/** The users of an installation, and the duties of each. */
export const ROLES = {
  publisher: ['connect', 'publish'],
  coordinator: ['connect', 'coordinate'],
  aggregator: ['connect', 'fold', 'maintain', 'drop', 'monitor', 'cleanUp', 'archive', 'schedule'],
  operator: ['connect', 'fold', 'drop', 'cleanUp', 'archive', 'operate'],
} as const satisfies Record<string, readonly DutyName[]>;

export type Role = keyof typeof ROLES;

/** The duties of a role as one. Commands and kinds of keys are in alphabetical order. */
export function dutyOf(role: Role): Duty {
  return ROLES[role].map((name): Duty => DUTIES[name]).reduce(unite);
}

function unite(left: Duty, right: Duty): Duty {
  const keys: Partial<Record<string, string>> = { ...left.keys };
  for (const [kind, commands] of Object.entries(right.keys)) keys[kind] = uniteLists(keys[kind], commands);
  return { commands: uniteLists(left.commands, right.commands), keys };
}

function uniteLists(left = '', right = ''): string {
  return [...new Set(`${left} ${right}`.split(' '))]
    .filter((name) => name !== '')
    .toSorted()
    .join(' ');
}
