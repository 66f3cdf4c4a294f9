import { randomBytes } from 'node:crypto';

/**
 * The consumer names of one reader. It waits for entries and claims them under its own name. Each read that is sent ahead
 * has another name, `<own>/<life>.<number>`. No other command gives entries to that name, so their number proves which ones
 * they are (`commit-read.lua`).
 */
export interface ReadNames {
  readonly own: string;
  /** A name for one read. It was never used before, not even by an earlier life of this reader. */
  take(): string;
  /** Nothing is pending under this name, and the consumer does not exist. */
  release(name: string): void;
  /** The pending entries of this name must be read again. */
  doubt(name: string): void;
  /** A name whose pending entries must be read again; `undefined` if there is none but its own. */
  readonly doubtful: string | undefined;
  /** Doubts those of these consumers that belong to this reader and are not in use: an earlier life or a late read left them. */
  adopt(consumers: Iterable<string>): void;
}

/** Bytes of the random part, which no two lives of a reader share. */
const LIFE_BYTES = 6;

export function createReadNames(own: string): ReadNames {
  const life = randomBytes(LIFE_BYTES).toString('base64url');
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
