export interface InvalidEvent {
  readonly ok: false;
  readonly reason: 'missing_field' | 'invalid_field' | 'unknown_type' | 'unsupported_version' | 'too_large';
  readonly field: string;
  readonly detail: string;
}
export interface EventInput {
  readonly type: string;
  readonly swarm_id: string;
  readonly id?: string;
  readonly [field: string]: string | number | undefined;
}
export function encodeEvent(event: EventInput): { ok: true; text: string } | InvalidEvent {
  if (typeof event.type !== 'string')
    return { ok: false, reason: 'missing_field', field: 'type', detail: 'expected a string' };
  if (!/^[A-Za-z0-9_\-.:/@]{1,128}$/.test(event.swarm_id))
    return { ok: false, reason: 'invalid_field', field: 'swarm_id', detail: 'expected an id' };
  return { ok: true, text: JSON.stringify(event) };
}
export function swarmShard(swarmId: string, shards: number): number {
  let crc = 0;
  for (let i = 0; i < swarmId.length; i++) {
    crc ^= swarmId.charCodeAt(i) << 8;
    for (let b = 0; b < 8; b++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return crc % shards;
}
