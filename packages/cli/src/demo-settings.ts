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
    reason: 'for trials in scripts',
  },
  coordinatorsOnly: {
    flag: '--coordinators-only',
    variable: 'STREAMFOLD_COORDINATORS_ONLY',
    kind: 'flag',
    help: 'run only the swarm, on the configured Redis; you run the aggregators',
    reason: 'if Redis and aggregators run elsewhere, as in infra/compose.yaml',
  },
  scenario: {
    flag: '--scenario',
    argument: 'name',
    variable: 'STREAMFOLD_SCENARIO',
    unit: 'word',
    kind: 'word',
    words: ['calm', 'trouble'],
    byDefault: 'calm',
    help: 'how the coordinators behave: calm (no alert fires) or trouble (some are slow, hang or are killed)',
    reason: 'calm shows a healthy swarm; trouble shows the alerts and the failure panels at work',
  },
} as const satisfies Record<string, Setting>;
