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

/** Loads the files of a suite one after the other, and then declares all their tests and hooks. */
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
    apply(target, self, args: unknown[]) {
      const call = target as unknown as (...args: unknown[]) => void;
      if (collected === undefined) return call.apply(self, args);
      const prefix = file;
      const [title, ...rest] = args;
      collected.push(() =>
        isHook || typeof title !== 'string'
          ? call.apply(self, args)
          : call.call(self, `${prefix} › ${title}`, ...rest),
      );
      return undefined;
    },
  });
}
