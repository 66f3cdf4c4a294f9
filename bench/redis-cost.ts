import type { Redis } from 'ioredis';

/** CPU time of Redis so far, ms. */
export async function readRedisCpuMs(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  const read = (name: string): number =>
    Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1] ?? Number.NaN);
  return (read('used_cpu_user') + read('used_cpu_sys')) * 1_000;
}

/** 99th percentile of the time that a command occupied Redis since CONFIG RESETSTAT, ms; NaN if it was not called. */
export async function readP99Ms(redis: Redis, command: string): Promise<number> {
  const info = await redis.info('latencystats');
  const p99 = new RegExp(`latency_percentiles_usec_${command}:.*?p99=([\\d.]+)`).exec(info)?.[1];
  return p99 === undefined ? Number.NaN : Number(p99) / 1_000;
}
