import type { Life } from './life.ts';

/** A piece of work, as in its record in Redis. */
export interface Work {
  readonly workId: string;
  readonly status: 'open' | 'transferred';
  readonly assignedTo: string;
  readonly payload: string;
  readonly openedAt: number;
  readonly transferredFrom?: string;
  readonly transferredAt?: number;
}

/** All open work of this coordinator. */
export async function listWork(life: Life): Promise<readonly Work[]> {
  const flat = (await life.call('list-work')) as string[];
  const work: Work[] = [];
  for (let at = 0; at < flat.length; at += 2) {
    work.push({ workId: flat[at] ?? '', ...(JSON.parse(flat[at + 1] ?? '') as Omit<Work, 'workId'>) });
  }
  return work;
}
