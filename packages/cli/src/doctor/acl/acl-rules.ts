import { escapePattern, keyPatterns, type KeyKind } from './key-kinds.ts';
import { dutyOf, type Role } from './roles.ts';

/**
 * The rules of `ACL SETUSER` for a role on the keys of a prefix, without a password: each command, and the keys it may name.
 *
 * Commands that may name the same kinds of keys share a selector. So a command that names several keys has all of them in one
 * selector, as Redis demands. Scripts and functions may be called with any key: Redis checks each command inside them again.
 */
function listRules(role: Role, prefix: string): readonly string[] {
  const { commands, keys } = dutyOf(role);
  const patterns = keyPatterns(prefix);
  const kindsOf = new Map<string, KeyKind[]>();
  for (const [kind, names] of Object.entries(keys) as [KeyKind, string][])
    for (const name of names.split(' ')) kindsOf.set(name, [...(kindsOf.get(name) ?? []), kind]);
  const selectors = new Map<string, string[]>();
  for (const [name, kinds] of [...kindsOf].toSorted(byName)) {
    const allowed = kinds.map((kind) => `~${patterns[kind]}`).join(' ');
    selectors.set(allowed, [...(selectors.get(allowed) ?? []), `+${name}`]);
  }
  return [
    `~${escapePattern(prefix)}:*`,
    ...commands.split(' ').map((name) => `+${name}`),
    ...[...selectors].map(([allowed, names]) => `(${names.join(' ')} ${allowed})`),
  ];
}

/** `ACL SETUSER` for a role, as redis-cli reads it. */
export function renderUser(role: Role, prefix: string): string {
  const rules = listRules(role, prefix).flatMap((rule) => rule.split(' '));
  const words = [nameUser(role, prefix), 'reset', 'on', `>${PASSWORD_PLACEHOLDER}`, ...rules];
  return ['ACL', 'SETUSER', ...words.map(quoteWord)].join(' ');
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1;
}

/** The user of a role: several installations can share one Redis. */
export function nameUser(role: Role, prefix: string): string {
  return `${prefix}-${role}`;
}

export const PASSWORD_PLACEHOLDER = 'REPLACE_ME';

/** Redis-cli takes quotes in a word for the beginning or the end of a text with spaces. */
function quoteWord(word: string): string {
  return /["']/.test(word) ? `"${word.replace(/["\\]/g, String.raw`\$&`)}"` : word;
}
