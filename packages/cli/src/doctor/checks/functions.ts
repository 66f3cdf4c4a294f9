import { readLibraryEdition, type LibraryEdition } from '@streamfold/coordination';
import { isReplyError } from '@streamfold/redis';
import type { Check } from '../check.ts';
import { judge, type Finding } from '../finding.ts';
import { isPrimary, type ServerNode } from '../server-node.ts';

const WHAT = 'functions';

/** Whether each primary has the functions of coordination, in this edition or a later one. */
export const functions: Check = {
  name: WHAT,
  async run({ nodes }) {
    const { ok, warn } = judge(WHAT);
    const primaries = nodes.filter(isPrimary);
    const libraries = await Promise.all(primaries.map(({ connection }) => tryToRead(connection)));
    if (libraries.every((library) => library === 'missing'))
      return [ok('not loaded yet: the first aggregator loads them')];
    return primaries.flatMap(({ at }, place): Finding[] => {
      switch (libraries[place]) {
        case 'missing':
          return [
            warn(
              `not loaded${at}: coordinators that may not load functions fail there; start an aggregator anew, or run FUNCTION DUMP on another node and FUNCTION RESTORE there`,
            ),
          ];
        case 'outdated':
          return [
            warn(`of an earlier edition${at}: an aggregator of this version replaces them when it starts`),
          ];
        case 'current':
          return [ok(`loaded${at}`)];
        case undefined: // they may not be called: the permissions say so
          return [];
      }
    });
  },
};

async function tryToRead(connection: ServerNode['connection']): Promise<LibraryEdition | undefined> {
  try {
    return await readLibraryEdition(connection);
  } catch (error) {
    if (isReplyError(error)) return undefined;
    throw error;
  }
}
