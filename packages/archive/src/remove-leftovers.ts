import type { Archive } from './open-archive.ts';
import { dataName, folderOf, namePrefix, parseDataName, type Segment } from './segment.ts';

/** Removes data of a segment's number that its manifest does not name: their writer died, or will find the number taken. */
export async function removeLeftovers({ store }: Pick<Archive, 'store'>, segment: Segment): Promise<void> {
  const { shard, sequence } = segment;
  const own = dataName(shard, segment);
  for (const name of await store.list(folderOf(shard), namePrefix(sequence))) {
    const path = `${folderOf(shard)}/${name}`;
    if (parseDataName(name) === sequence && path !== own) await store.remove(path);
  }
}
