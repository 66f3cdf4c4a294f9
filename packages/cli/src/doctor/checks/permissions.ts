import { toError } from '@streamfold/redis';
import { DUTIES, type DutyName } from '../acl/duties.ts';
import { ROLES, type Role } from '../acl/roles.ts';
import type { Check } from '../check.ts';
import { judge, type Finding } from '../finding.ts';
import { describeMissing, findMissing, roleOf } from '../missing-commands.ts';

/** They need functions; counting works without them. */
const WITH_FUNCTIONS: ReadonlySet<DutyName> = new Set(['coordinate', 'monitor', 'cleanUp']);

/**
 * Whether this user may run the commands of the programs on every kind of key: those of its role if it is one of the users
 * that `doctor --acl` prints, otherwise all. Missing permissions of coordination alone are only a warning.
 */
export const permissions: Check = {
  name: 'permissions',
  async run({ redis, installation }) {
    const { prefix } = installation;
    const { ok, warn, fail } = judge('permissions');
    const role = roleOf(redis, prefix);
    if (role === 'coordinator') return [warn('cannot be checked for coordinators, who may not run scripts')];
    const duties = role === undefined ? (Object.keys(DUTIES) as DutyName[]) : ROLES[role];
    try {
      const counting = duties.filter((duty) => !WITH_FUNCTIONS.has(duty));
      const missing = describeMissing(await findMissing(redis, installation, counting));
      const whose = role === undefined ? 'all required commands' : `all commands that ${role}s need`;
      const finding =
        missing === ''
          ? ok(`${whose} are permitted on keys ${prefix}:*`)
          : fail(`${missing}; streamfold doctor --acl prints the permissions of each role`);
      const coordinating = duties.filter((duty) => WITH_FUNCTIONS.has(duty));
      if (coordinating.length === 0) return [finding];
      const further = describeMissing(await findMissing(redis, installation, coordinating));
      return [finding, judgeCoordination(further, role)];
    } catch (error) {
      const why = toError(error).message;
      return [fail(`expected EVALSHA and EVAL on keys ${prefix}:* to be permitted; got ${why}`)];
    }
  },
};

/** Counting works without coordination. */
function judgeCoordination(missing: string, role: Role | undefined): Finding {
  const { ok, warn } = judge('coordination');
  const who =
    role === undefined ? 'coordinators and monitors need it, counting does not' : `${role}s need it`;
  return missing === '' ? ok('the functions may be loaded and called') : warn(`${missing}; ${who}`);
}
