export { findServer } from './find-server.ts';
export { findFreePort, isPortFree } from './free-port.ts';
export { amtoolPath, startPrivateAlertmanager } from './private-alertmanager.ts';
export {
  startPrivateHttpServer,
  type HttpServerPlan,
  type PrivateHttpServer,
} from './private-http-server.ts';
export { promtoolPath, startPrivatePrometheus } from './private-prometheus.ts';
export {
  redisServerPath,
  startPrivateRedis,
  type PrivateRedis,
  type PrivateRedisOptions,
} from './private-redis.ts';
export { startPrivateSentinel, type PrivateSentinel } from './private-sentinel.ts';
export { startPrivateVictoriaMetrics } from './private-victoria-metrics.ts';
