import { Redis } from 'ioredis';

// `redis-cli -h host -p port COMMAND …`: prints the reply as redis-cli does into a pipe, one line for each element. It is not on every
// machine that has a server.

const [, , , host = '', , port = '', command = '', ...args] = process.argv;
const redis = new Redis({ host, port: Number(port), retryStrategy: () => null });
redis.on('error', (error) => console.error(error.message));
try {
  const reply = await redis.call(command, ...args);
  for (const line of [reply].flat()) console.log(String(line));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  redis.disconnect();
}
