import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What MONITOR shows, from its beginning on. */
export interface Monitor {
  readonly socket: Socket;
  text(): string;
}

/** Sends MONITOR on a connection of its own; resolves once Redis has answered. */
export async function startMonitor(port: number): Promise<Monitor> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  let text = '';
  socket.on('error', () => undefined);
  socket.write('MONITOR\r\n');
  const answered = once(socket, 'data');
  socket.on('data', (part: string) => (text += part));
  await answered;
  return { socket, text: () => text };
}
