import type { z } from 'zod';
import { listKeys } from './configuration-schema.ts';

type Issue = z.core.$ZodIssue;

/** A bad value is cut after this number of characters. */
const SHOWN_CHARACTERS = 80;

/** One line: where in `content`, what was expected, what arrived. */
export function describeIssue(issue: Issue, content: unknown): string {
  const where = showPath(issue.path);
  const at = where === '' ? '' : `${where}: `;
  if (issue.code === 'unrecognized_keys') {
    const keys = listKeys(issue.path).join(', ');
    return `${at}expected one of ${keys}; got ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
  }
  return `${at}${showExpected(issue)}; got ${showValue(valueAt(content, issue.path))}`;
}

function showExpected(issue: Issue): string {
  if (issue.code === 'invalid_value')
    return `expected ${issue.values
      .map((value) => JSON.stringify(value))
      .join(', ')
      .replace(/^(?=.*, )/, 'one of ')}`;
  if (issue.message.startsWith('expected')) return issue.message;
  if (issue.code === 'invalid_type') return `expected ${issue.expected}`;
  return `expected something else (${issue.message})`;
}

function showPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
}

function valueAt(content: unknown, path: readonly PropertyKey[]): unknown {
  let value = content;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

function showValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = typeof value;
  }
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
