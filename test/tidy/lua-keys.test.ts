import { test } from '../harness/ava.ts';
import { filesMatching, readTracked } from './tracked-files.ts';

/** Commands whose key is not the first argument, and those without a key. */
const KEY_AT: Readonly<Record<string, number>> = { XGROUP: 1, XINFO: 1, MEMORY: 1, TIME: -1, INFO: -1 };

test('no Lua builds the name of a key: each key of a command comes from KEYS', (t) => {
  const files = filesMatching(/^packages\/[^/]+\/lua\/[^/]+\.lua$/);
  const commands = files.flatMap((path) =>
    listCommands(readCode(path)).map((command) => ({ path, command })),
  );
  t.true(commands.length > 200, String(commands.length));
  t.deepEqual(
    commands.flatMap(({ path, command }) =>
      listKeys(command)
        .filter((key) => isBuilt(key, readCode(path)))
        .map((key) => `${path}: ${command[0]} ${key}`),
    ),
    [],
  );
});

test('a name of a key that is built by Lua is found, wherever it is built', (t) => {
  const built = [
    `redis.call('HGET', base .. 'monitor', 'x')`,
    `redis.call('XINFO', 'GROUPS', 'p:{0}:events')`,
    `plan(step, {'UNLINK', key_of(keys, 'a'), base .. 'b'})`,
    `local other, inbox = 1, base .. 'inbox:' .. name\nredis.call('XLEN', inbox)`,
    `redis.call('GET', ARGV[at])`,
    `local key = ARGV[at]\nredis.call('GET', key)`,
    `redis.call('SET', string.format('%s:lives', base), 1)`,
    `redis.call('HGET', redis.call('HGET', pointer, 'key'), 'x')`,
  ];
  for (const code of built) {
    const keys = listCommands(code).flatMap(listKeys);
    t.true(
      keys.some((key) => isBuilt(key, code)),
      code,
    );
  }
  // The functions of interface 1 did.
  const earlier = readCode('test/coordination/golden/interface-1.lua');
  t.true(
    listCommands(earlier)
      .flatMap(listKeys)
      .filter((key) => isBuilt(key, earlier)).length > 50,
  );
});

function readCode(path: string): string {
  return readTracked(path).replace(/(^|\s)--.*$/gm, '$1');
}

/** The arguments of each command that is called or planned. */
function listCommands(code: string): string[][] {
  const starts = code.matchAll(/\bredis\.p?call\((?=')|\{(?='(?:[HXZS]\w+|SET|PEXPIRE|UNLINK)')/g);
  return [...starts].map(({ 0: start, index }) => splitArguments(code.slice(index + start.length)));
}

/** The keys of a command, as expressions. */
function listKeys([command = '', ...args]: readonly string[]): string[] {
  const name = command.replaceAll("'", '');
  if (name === 'UNLINK' || name === 'DEL') return args;
  return args.slice(KEY_AT[name] ?? 0).slice(0, KEY_AT[name] === -1 ? 0 : 1);
}

/**
 * True if an expression is no key from KEYS: neither an element of KEYS, a declared key, nor a variable or parameter to
 * which nothing else is assigned. The empty text stands for a key that is set later, from a list of declared keys.
 */
function isBuilt(key: string, code: string): boolean {
  if (/^(?:KEYS\[\d\]|key_of\(.*\)|find_key\(.*\)|''|unpack\(\w+\))$/s.test(key)) return false;
  if (/^[\w.]+\.events$/.test(key)) return false;
  if (!/^\w+(?:\[\w+\])?$/.test(key) || /^(?:ARGV|args)\b/.test(key)) return true;
  return listAssigned(key.replace(/\[.*/, ''), code).some((value) =>
    /\.\.|^'|\bstring\.|\bredis\.|\bARGV\b|\bargs\[/.test(value),
  );
}

/** What is assigned to a variable, as expressions. Those that get it from a function that returns keys are left out. */
function listAssigned(name: string, code: string): string[] {
  const assignments = code.matchAll(/^[ \t]*(?:local )?(\w+(?:, \w+)*) = /gm);
  return [...assignments].flatMap(({ 0: start, 1: names = '', index }) => {
    const at = names.split(', ').indexOf(name);
    if (at < 0) return [];
    const value =
      splitArguments(code.slice(index + start.length).replace(/\n(?![ \t]*[.']).*/s, ''))[at] ?? '';
    return value.replace(/\b(?:key_of|find_key)\([^()]*\)/g, 'declared');
  });
}

/** The expressions up to the bracket that closes, or the end of the text, separated by commas. */
function splitArguments(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const token of text.match(/'[^']*'|[^']/g) ?? []) {
    if (/^[)}\]]$/.test(token) && depth-- === 0) break;
    if (/^[({[]$/.test(token)) depth++;
    if (token === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += token;
  }
  return parts.map((part) => part.trim());
}
