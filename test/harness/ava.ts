import ava, { type TestFn } from 'ava';

export type { ExecutionContext } from 'ava';

/** Declares one test or hook with ava. */
type Declaration = () => void;

/** While a suite loads its files: what they have declared so far. */
let collected: Declaration[] | undefined;
let file = '';

/**
 * ava's `test`. In a suite of files it keeps the declarations until all files have loaded: ava takes them only
 * synchronously, and a file may wait for its server before it declares. A title begins with the name of its file.
 */
export const test: TestFn = collecting(ava, false);

/**
 * Loads the files of a suite one after the other, and then declares all their tests and hooks. The tests run one after the
 * other too: none is judged while its neighbours take the CPU.
 */
export async function declareTogether(files: ReadonlyMap<string, () => Promise<unknown>>): Promise<void> {
  collected = [];
  for (const [name, load] of files) {
    file = name;
    await load();
  }
  for (const declare of collected) declare();
  collected = undefined;
}

/** A link of ava's chain (`test`, `test.serial`, `test.after.always`, …), or of a hook, which needs no title. */
function collecting<Link extends object>(link: Link, isHook: boolean): Link {
  return new Proxy(link, {
    get(target, name) {
      const next: unknown = Reflect.get(target, name);
      if (typeof next !== 'function') return next;
      return collecting(next, isHook || /^(before|after)/.test(String(name)));
    },
    apply(target, _, args: unknown[]) {
      const call = target as unknown as (...args: unknown[]) => void;
      if (collected === undefined) return call(...args);
      const [title, ...rest] = args;
      const prefixed = `${file} › ${String(title)}`;
      const declare = (target as object) === ava ? (ava.serial as unknown as typeof call) : call;
      collected.push(() => (isHook ? call(...args) : declare(prefixed, ...rest)));
      return undefined;
    },
  });
}
