import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from '../harness/ava.ts';

const run = promisify(execFile);

/** The publisher of the README, with another address. */
const PROGRAM = `
import { createPublisher } from '@streamfold/publisher';
const publisher = createPublisher({ url: 'redis://127.0.0.1:1' });
publisher.publish({ type: 'coordinator.started', swarm_id: 's1', coordinator_id: 'c1' });
publisher.publish({ type: 'coordinator.stopped', swarm_id: 's1', coordinator_id: 'c1' });
const { undelivered } = await publisher.close({ deadlineMs: 1_000 });
console.log(undelivered);
`;

test('a publisher that nobody observes warns once if it cannot connect, with address and cause', async (t) => {
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: import.meta.dirname,
  });
  t.is(stdout, '2\n');
  const warnings = stderr.split('\n').filter((line) => line.includes('Warning: '));
  t.is(warnings.length, 1, stderr);
  t.regex(
    warnings[0] ?? '',
    /StreamfoldPublisherWarning: Redis: expected an answer at redis:\/\/127\.0\.0\.1:1; got ECONNREFUSED/,
  );
});
