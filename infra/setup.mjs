// Prepares a checkout: Node, dependencies, servers, build. Called by npm before `npm start`, `npm test`, `npm run check`
// and `npm run bench`. Needs only Node; skips what is already done.
//
//   node infra/setup.mjs [redis] [prometheus] [alertmanager] [victoria-metrics] [chromium] [--allow-external-redis]
//
// --allow-external-redis: no Redis is provided if STREAMFOLD_REDIS_URL names one.
import { buildProject } from './setup/build-project.mjs';
import { checkNode } from './setup/check-node.mjs';
import { installDependencies } from './setup/install-dependencies.mjs';
import { holdLock } from './setup/hold-lock.mjs';
import { provideServers } from './setup/provide-servers.mjs';
import { SetupError } from './setup/setup-error.mjs';

const wanted = process.argv.slice(2);
const external = wanted.includes('--allow-external-redis') && process.env.STREAMFOLD_REDIS_URL;
const servers = wanted.filter((name) => !name.startsWith('--') && !(name === 'redis' && external));

try {
  checkNode();
  await holdLock(async () => {
    await installDependencies();
    for (const server of servers) await provideServers(server);
    await buildProject();
  });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`\nset-up failed at: ${error.step}\n${error.message}`);
  process.exitCode = 1;
}
