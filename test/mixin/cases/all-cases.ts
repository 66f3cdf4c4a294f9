import type { RuleCase } from '../run-rule-cases.ts';
import { BLOCKING_CASES } from './blocking-cases.ts';
import { EVENT_CASES } from './event-cases.ts';
import { HEALTH_CASES } from './health-cases.ts';
import { PIPELINE_CASES } from './pipeline-cases.ts';
import { QUIET_CASES } from './quiet-cases.ts';
import { RECORDING_CASES } from './recording-cases.ts';

export const ALL_CASES: readonly RuleCase[] = [
  ...BLOCKING_CASES,
  ...EVENT_CASES,
  ...HEALTH_CASES,
  ...PIPELINE_CASES,
  ...QUIET_CASES,
  ...RECORDING_CASES,
];
