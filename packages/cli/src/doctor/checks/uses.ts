import type { DutyName } from '../acl/duties.ts';
import { ROLES } from '../acl/roles.ts';
import type { Check, Examined } from '../check.ts';
import { judge, type Finding } from '../finding.ts';
import { describeMissing, findMissing, isKnown, roleOf } from '../missing-commands.ts';

/** What Streamfold is used for, and the duties that this needs. */
const USES = {
  publish: ['connect', 'publish'],
  fold: ['connect', 'fold'],
  coordinate: ['connect', 'coordinate'],
} as const satisfies Record<string, readonly DutyName[]>;

type Use = keyof typeof USES;

/**
 * For publishing, folding and coordinating, whether this user can do it on this server: each command is checked, none is run.
 * Of a user of `doctor --acl`, only what its role does is checked.
 */
export const uses: Check = {
  name: 'uses',
  async run(examined) {
    const role = roleOf(examined.redis, examined.installation.prefix);
    if (role === 'coordinator') return [];
    const names = (Object.keys(USES) as Use[]).filter((use) => {
      const duties: readonly DutyName[] = role === undefined ? USES[use] : ROLES[role];
      return USES[use].every((duty) => duties.includes(duty));
    });
    return Promise.all(names.map((use) => judgeUse(use, examined)));
  },
};

/** A failure has been found by the permissions, too; these findings say what it means. */
async function judgeUse(use: Use, { redis, installation }: Examined): Promise<Finding> {
  const { ok, warn } = judge(use);
  const missing = describeMissing(await findMissing(redis, installation, USES[use]));
  if (missing !== '') return warn(`does not work: ${missing}`);
  if (use !== 'publish' || (await isKnown(redis, installation, 'WAITAOF 1 0 1'))) return ok('works');
  return ok('works; to wait for the disk, Redis 7.2 or newer, or Valkey, is needed (WAITAOF is unknown)');
}
