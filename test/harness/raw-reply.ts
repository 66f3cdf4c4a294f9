import { connect } from 'node:net';
import { once } from 'node:events';

const PONG = Buffer.from('+PONG\r\n');

/** The raw bytes that Redis sends in reply to one command. */
export async function readRawReply(port: number, command: readonly string[]): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  socket.write(`*${command.length}\r\n${parts.join('')}PING\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    const tail = Buffer.concat(chunks.slice(-PONG.length));
    if (tail.subarray(-PONG.length).equals(PONG)) break;
  }
  socket.destroy();
  return Buffer.concat(chunks).subarray(0, -PONG.length);
}
