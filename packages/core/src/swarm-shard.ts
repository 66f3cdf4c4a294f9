const POLYNOMIAL = 0x1021;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ POLYNOMIAL;
  return crc & 0xffff;
});

/**
 * CRC16/XMODEM of an ASCII text, as Redis Cluster computes it for hash slots: `123456789` gives 0x31C3.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 */
export function crc16(text: string): number {
  let crc = 0;
  for (let at = 0; at < text.length; at++) {
    crc = ((crc << 8) & 0xffff) ^ (TABLE[((crc >> 8) ^ text.charCodeAt(at)) & 0xff] ?? 0);
  }
  return crc;
}

/** True if the swarm of that name, in ASCII, is of shard `shard`. */
export function isOfShard(name: Uint8Array, shard: number, shards: number): boolean {
  let crc = 0;
  for (let at = 0; at < name.length; at++)
    crc = ((crc << 8) & 0xffff) ^ (TABLE[((crc >> 8) ^ (name[at] ?? 0)) & 0xff] ?? 0);
  return crc % shards === shard;
}

/** The shard that all events of a swarm belong to, from 0 to `shards` − 1. */
export function swarmShard(swarmId: string, shards: number): number {
  return shards === 1 ? 0 : crc16(swarmId) % shards;
}
