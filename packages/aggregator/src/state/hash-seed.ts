import { randomInt } from 'node:crypto';

/** Of the hashes of series: drawn once per process, so that nobody can choose names that collide. */
export const HASH_SEED = randomInt(2 ** 31);
