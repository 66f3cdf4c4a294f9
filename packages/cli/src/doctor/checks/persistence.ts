import type { Check } from '../check.ts';
import { judge, type Finding } from '../finding.ts';
import { isPrimary, readSetting, type ServerNode } from '../server-node.ts';

/** What a crash of a primary loses. */
export const persistence: Check = {
  name: 'persistence',
  async run({ nodes }) {
    const primaries = nodes.filter((node) => node.info.has('role') && (isPrimary(node) || node.at === ''));
    return Promise.all(primaries.map(judgePersistence));
  },
};

async function judgePersistence(node: ServerNode): Promise<Finding> {
  const { ok, warn, fail } = judge('persistence');
  const { info, at } = node;
  if (info.get('aof_enabled') === '1') {
    if (info.get('aof_last_write_status') !== 'ok')
      return fail(`the append-only file cannot be written${at}: check the disk of Redis`);
    const appendfsync = await readSetting(node, 'appendfsync');
    const fsync = appendfsync ?? 'unknown, as this user may not read it';
    return appendfsync === 'no'
      ? warn(
          `append-only file with appendfsync no${at}: a crash of the machine loses all that the system had not written to disk; set everysec or always`,
        )
      : ok(
          `append-only file, appendfsync ${fsync}${at}${appendfsync === 'everysec' ? ': a crash can lose the last second, of stream and state together' : ''}`,
        );
  }
  if ((await readSetting(node, 'save')) === '')
    return warn(`no append-only file and no snapshots${at}: a crash loses everything; set appendonly yes`);
  const lastSave = Number(info.get('rdb_last_save_time') ?? 0); // or when it started, if it has saved nothing since
  return warn(
    `no append-only file${at}: a crash loses all since the last snapshot of Redis (${new Date(lastSave * 1_000).toISOString()}); set appendonly yes`,
  );
}
