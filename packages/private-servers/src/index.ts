export { findFreePort, isPortFree } from './free-port.ts';
export { promtoolPath, startPrivatePrometheus, type PrivatePrometheus } from './private-prometheus.ts';
export {
  redisServerPath,
  startPrivateRedis,
  type PrivateRedis,
  type PrivateRedisOptions,
} from './private-redis.ts';
