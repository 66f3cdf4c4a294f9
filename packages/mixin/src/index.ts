export { HEALTH_ALERTS, type HealthAlert, type NoAlert } from './rules/health-alerts.ts';
export { mixinFiles } from './mixin-files.ts';
export { alertNames, ruleFiles } from './rules/rule-files.ts';
export { type RuleOptions, type Thresholds } from './rules/rule-options.ts';
export { PROCESS_JOB, SWARM_JOB } from './rules/scrape-jobs.ts';
