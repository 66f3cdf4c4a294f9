import type { Check } from '../check.ts';
import { judge, type Finding } from '../finding.ts';
import { isPrimary, readSetting, type ServerNode } from '../server-node.ts';

const NAME = 'proto-max-bulk-len';

/** Larger than every argument that a program sends: entries have up to 1 MiB, deltas and parts of snapshots a few MiB. */
const LEAST_BYTES = 32 * 1024 * 1024;

/** Whether Redis takes the largest commands of the programs. Its default is 512 MiB. */
export const bulkLength: Check = {
  name: NAME,
  async run({ nodes }) {
    const findings = await Promise.all(nodes.filter(isPrimary).map(judgeLength));
    return findings.filter((finding) => finding !== undefined);
  },
};

async function judgeLength(node: ServerNode): Promise<Finding | undefined> {
  const bytes = await readSetting(node, NAME);
  if (bytes === undefined || Number(bytes) >= LEAST_BYTES) return undefined;
  return judge(NAME).fail(
    `${bytes} bytes${node.at}: Redis refuses large commits and snapshots; set at least ${LEAST_BYTES}, or leave its default of 512mb`,
  );
}
