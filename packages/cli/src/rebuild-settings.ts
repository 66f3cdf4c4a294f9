import type { Setting } from './setting.ts';

/** Settings of the definitions and of rebuilds. */
export const REBUILD_SETTINGS = {
  generationGraceMs: {
    flag: '--generation-grace-ms',
    argument: 'ms',
    variable: 'STREAMFOLD_GENERATION_GRACE_MS',
    unit: 'ms',
    kind: 'number',
    least: 1_000,
    most: 86_400_000,
    byDefault: 300_000,
    help: 'how long to keep the state that a rebuild has replaced',
    reason: 'every aggregator must have noticed by then, even one that was down for a while',
  },
  config: {
    flag: '--config',
    argument: 'file',
    variable: 'STREAMFOLD_CONFIG',
    unit: 'path',
    kind: 'text',
    pattern: /^[^\0]{1,4096}$/,
    expected: 'a path of a file that ends in .ts, .js, .mjs or .json',
    defaultInWords: 'streamfold.config.ts, .mjs, .js or .json in the working directory, if there is one',
    help: 'file with your own buckets, labels and metrics',
    reason: 'it decides what is folded: all aggregators must have the same file',
  },
  force: {
    flag: '--force',
    variable: 'STREAMFOLD_FORCE',
    oneShot: true,
    kind: 'flag',
    help: 'rebuild although entries are missing, and switch although the two generations differ',
    reason:
      'entries that are missing from the log would be missing from the metrics: an operator must decide this',
  },
  acceptLostState: {
    flag: '--accept-lost-state',
    variable: 'STREAMFOLD_ACCEPT_LOST_STATE',
    oneShot: true,
    kind: 'flag',
    help: 'fold and serve the generation in the registry although the shards hold the state of another one, or none',
    reason: 'counters may decrease: an operator must decide this',
  },
  cancel: {
    flag: '--cancel',
    variable: 'STREAMFOLD_CANCEL',
    oneShot: true,
    kind: 'flag',
    help: 'cancel the current rebuild, and remove all of its keys',
    reason: 'the live generation is served as before',
  },
} as const satisfies Record<string, Setting>;
