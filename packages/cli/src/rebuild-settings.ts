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
    help: 'for how long the state that a rebuild has replaced is kept',
    reason: 'every aggregator must have noticed by then, also one that was away for a while',
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
    help: 'file with buckets, labels and metrics of your own',
    reason: 'what it holds decides what is folded: all aggregators must have the same',
  },
  force: {
    flag: '--force',
    variable: 'STREAMFOLD_FORCE',
    oneShot: true,
    kind: 'flag',
    help: 'rebuild although entries are missing, and switch although the two generations differ',
    reason: 'what is not in the log any more would be gone from the metrics: that must be said',
  },
  acceptLostState: {
    flag: '--accept-lost-state',
    variable: 'STREAMFOLD_ACCEPT_LOST_STATE',
    oneShot: true,
    kind: 'flag',
    help: 'fold and serve what the registry says, although the shards hold the state of another generation, or none',
    reason: 'counters may fall: an operator has to decide that',
  },
  cancel: {
    flag: '--cancel',
    variable: 'STREAMFOLD_CANCEL',
    oneShot: true,
    kind: 'flag',
    help: 'give up the rebuild that is under way, and remove all of it',
    reason: 'the live generation is served as before',
  },
} as const satisfies Record<string, Setting>;
