import { randomBytes } from 'node:crypto';

/**
 * The names of consumers that one reader reads under. Under its own it waits for entries and claims them. Each read that is
 * sent ahead has a name of its own, `<own>/<life>.<number>`: nothing else ever gives that name entries, so their number
 * proves which ones they are (`commit-read.lua`).
 */
export interface ReadNames {
  readonly own: string;
  /** A name for one read, never used before, not even by an earlier life of this reader. */
  take(): string;
  /** Nothing is pending under this name, and no consumer is called so. */
  release(name: string): void;
  /** What is pending under this name has to be read again. */
  doubt(name: string): void;
  /** A name whose pending entries have to be read again; `undefined` if there is none but its own. */
  readonly doubtful: string | undefined;
  /** Doubts those of these consumers that are names of this reader and not in use: an earlier life has left them, or a late read. */
  adopt(consumers: Iterable<string>): void;
}

/** Bytes of the random part: no two lives of a reader have the same one. */
const LIFE_BYTES = 6;

export function createReadNames(own: string): ReadNames {
  const life = randomBytes(LIFE_BYTES).toString('hex');
  const inUse = new Set<string>();
  const doubted = new Set<string>();
  let taken = 0;

  const doubt = (name: string): void => {
    inUse.delete(name);
    if (name !== own) doubted.add(name);
  };

  return {
    own,
    take() {
      const name = `${own}/${life}.${taken++}`;
      inUse.add(name);
      return name;
    },
    release(name) {
      inUse.delete(name);
      doubted.delete(name);
    },
    doubt,
    get doubtful() {
      const [name] = doubted;
      return name;
    },
    adopt(consumers) {
      for (const name of consumers) if (name.startsWith(`${own}/`) && !inUse.has(name)) doubt(name);
    },
  };
}
