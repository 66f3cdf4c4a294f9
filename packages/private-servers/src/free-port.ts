import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** A TCP port of 127.0.0.1 that was free a moment ago; another process may have taken it since. */
export function findFreePort(): Promise<number> {
  return tryPort('127.0.0.1', 0);
}

/** True if `port` was free a moment ago. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  try {
    await tryPort(host, port);
    return true;
  } catch {
    return false;
  }
}

async function tryPort(host: string, wanted: number): Promise<number> {
  const server = createServer().listen(wanted, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
