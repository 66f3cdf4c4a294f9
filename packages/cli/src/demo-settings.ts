import type { Setting } from './setting.ts';

/** Settings of `streamfold demo`. */
export const DEMO_SETTINGS = {
  seconds: {
    flag: '--seconds',
    argument: 'n',
    variable: 'STREAMFOLD_SECONDS',
    unit: 's',
    kind: 'number',
    least: 1,
    most: 86_400,
    defaultInWords: 'until Ctrl-C',
    help: 'end after this time',
    reason: 'for trying it in a script',
  },
  coordinatorsOnly: {
    flag: '--coordinators-only',
    variable: 'STREAMFOLD_COORDINATORS_ONLY',
    kind: 'flag',
    help: 'only the swarm, in the Redis that is configured; aggregators are yours',
    reason: 'where Redis and aggregators run by themselves, as in infra/compose.yaml',
  },
  scenario: {
    flag: '--scenario',
    argument: 'name',
    variable: 'STREAMFOLD_SCENARIO',
    unit: 'word',
    kind: 'word',
    words: ['calm', 'trouble'],
    byDefault: 'calm',
    help: 'how the coordinators behave: calm, no alert fires; trouble, some are slow, fall silent or are killed',
    reason:
      'a first look shows a healthy swarm; trouble shows what the alerts and the failure panels are for',
  },
} as const satisfies Record<string, Setting>;
