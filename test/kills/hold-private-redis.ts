import { startPrivateRedis } from '@streamfold/private-servers';

// A program: starts a private Redis, prints its address, and keeps it until it is killed.

const { pid, directory } = await startPrivateRedis();
process.stdout.write(`${JSON.stringify({ pid, directory })}\n`);
setInterval(() => undefined, 60_000);
