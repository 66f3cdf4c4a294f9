import { crc16, swarmShard } from '@streamfold/core';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';

/** CRC16/XMODEM bit by bit. */
function crc16BitByBit(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text, 'latin1')) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc;
}

test('crc16 is that of Redis Cluster', (t) => {
  t.is(crc16('123456789'), 0x31c3);
  t.is(crc16(''), 0);
  t.is(crc16('foo') % 16_384, 12_182, 'CLUSTER KEYSLOT foo');
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii', maxLength: 128 }), (text) =>
      t.is(crc16(text), crc16BitByBit(text)),
    ),
    { numRuns: 5_000, seed: 51 },
  );
});

test('a swarm belongs to exactly one shard, and swarms spread over all shards', (t) => {
  for (const shards of [1, 2, 3, 7, 16]) {
    const swarms = new Map<number, number>();
    for (let number = 0; number < 4_000; number++) {
      const shard = swarmShard(`swarm-${number}`, shards);
      t.is(shard, crc16BitByBit(`swarm-${number}`) % shards);
      swarms.set(shard, (swarms.get(shard) ?? 0) + 1);
    }
    t.is(swarms.size, shards);
    t.true(Math.min(...swarms.values()) > 4_000 / shards / 2);
  }
});
