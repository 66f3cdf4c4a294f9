import { below, drawStep, pick, type Chance } from './draw-step.ts';
import type { Random } from './subject.ts';

export const IDS = ['a', 'b', 'c'] as const;
type Id = (typeof IDS)[number];

/**
 * A step of coordinators, of their monitors, or a fault. `process` is one of those that have joined, whether or not its life
 * is over: a late call by it must do nothing.
 */
export type CoordinationStep =
  /** `token`: of a process that has joined before, as in a repeated or late attempt; `none`: as the earlier version joins. */
  | {
      readonly do: 'join';
      readonly id: Id;
      readonly token: 'new' | 'none' | number;
      readonly staleAfterMs: number;
    }
  | { readonly do: 'beat' | 'changePhase'; readonly process: number; readonly phase: '' | 'x' | 'y' }
  | { readonly do: 'stop' | 'listWork'; readonly process: number }
  | {
      readonly do: 'send';
      readonly process: number;
      readonly to: string;
      readonly signal: Signal;
      readonly dueMs: number;
    }
  /** `at`: the position of the entry in its inbox. */
  | { readonly do: 'acknowledge'; readonly process: number; readonly at: number }
  /** An ACK without an entry, as when it is repeated. */
  | { readonly do: 'acknowledgeAgain'; readonly process: number; readonly signal: Signal }
  | {
      readonly do: 'settleSignal';
      readonly process: number;
      readonly at: number;
      readonly reason: '' | 'unsigned';
    }
  | {
      readonly do: 'startWait';
      /** `sender`: the current life of the coordinator that sent the signal. */
      readonly process: number | 'sender';
      readonly wait: Wait;
      readonly signal: Signal;
      readonly timeoutMs: number;
    }
  | { readonly do: 'finishWait'; readonly wait: Wait; readonly how: 'if_complete' | 'timeout' | 'error' }
  | { readonly do: 'openWork' | 'finishWork'; readonly process: number; readonly work: string }
  | {
      readonly do: 'takeOver';
      readonly process: number;
      readonly ended: Id;
      readonly successor: Id | '';
      readonly most: number;
    }
  | { readonly do: 'monitor'; readonly limit: number }
  | { readonly do: 'cleanUp' }
  /** Redis. */
  | { readonly do: 'keep' | 'goBack'; readonly slot: number }
  | { readonly do: 'moveClock'; readonly ms: number }
  | { readonly do: 'deny'; readonly command: string }
  | { readonly do: 'allow' }
  /** The event stream has no ID left, until it has one again. */
  | { readonly do: 'exhaust' | 'relent' };

/** The parameters of the step with that name. */
export type Fields<Do extends CoordinationStep['do']> = FieldsOf<CoordinationStep, Do>;
type FieldsOf<Step, Do> = Step extends { readonly do: infer Names }
  ? Do extends Names
    ? Omit<Step, 'do'>
    : never
  : never;

const SIGNALS = ['x0', 'x1', 'x2'] as const;
type Signal = (typeof SIGNALS)[number];
const WAITS = ['w0', 'w1', 'w2'] as const;
type Wait = (typeof WAITS)[number];

/** Most calls come from one of the processes that joined last. */
const process = (random: Random): number => below(random, random() < 0.8 ? 4 : 12);
const id = (random: Random): Id => pick(random, IDS);
const signal = (random: Random): Signal => pick(random, SIGNALS);
const wait = (random: Random): Wait => pick(random, WAITS);
const work = (random: Random): string => pick(random, ['j0', 'j1']);

// prettier-ignore
const COMMANDS = [
  'xadd', 'xack', 'xdel', 'xgroup', 'xinfo', 'xrange', 'hset', 'hsetnx', 'hdel', 'hincrby', 'hget', 'zadd', 'zrem', 'sadd', 'srem',
  'pexpire', 'unlink', 'set', 'info', 'fcall', 'hlen', 'zcard',
] as const;

const HOUR_MS = 3_600_000;

const CHANCES: readonly [Chance<CoordinationStep>, ...Chance<CoordinationStep>[]] = [
  [
    4,
    (random) => ({
      do: 'join',
      id: id(random),
      token: pick(random, ['new', 'new', 'new', 'none', below(random, 4)]),
      staleAfterMs: pick(random, [0, 500, 500]),
    }),
  ],
  [8, (random) => ({ do: 'beat', process: process(random), phase: pick(random, ['', '', 'x', 'y']) })],
  [2, (random) => ({ do: 'changePhase', process: process(random), phase: pick(random, ['x', 'y']) })],
  [2, (random) => ({ do: 'stop', process: process(random) })],
  [1, (random) => ({ do: 'listWork', process: process(random) })],
  [
    7,
    (random) => ({
      do: 'send',
      process: below(random, 3),
      to: pick(random, ['a', 'b', 'c', 'ab', 'bc', 'abc']),
      signal: signal(random),
      dueMs: pick(random, [0, 0, 500, 2_000]),
    }),
  ],
  [8, (random) => ({ do: 'acknowledge', process: process(random), at: below(random, 3) })],
  [2, (random) => ({ do: 'acknowledgeAgain', process: process(random), signal: signal(random) })],
  [
    2,
    (random) => ({
      do: 'settleSignal',
      process: process(random),
      at: below(random, 3),
      reason: pick(random, ['', 'unsigned']),
    }),
  ],
  [
    9,
    (random) => ({
      do: 'startWait',
      process: random() < 0.7 ? 'sender' : process(random),
      wait: wait(random),
      signal: signal(random),
      timeoutMs: pick(random, [1, 1_000, HOUR_MS, HOUR_MS]),
    }),
  ],
  [
    2,
    (random) => ({
      do: 'finishWait',
      wait: wait(random),
      how: pick(random, ['if_complete', 'if_complete', 'timeout', 'error']),
    }),
  ],
  [3, (random) => ({ do: 'openWork', process: process(random), work: work(random) })],
  [1, (random) => ({ do: 'finishWork', process: process(random), work: work(random) })],
  [
    3,
    (random) => ({
      do: 'takeOver',
      process: process(random),
      ended: id(random),
      successor: pick(random, ['', 'a', 'b', 'c']),
      most: pick(random, [1, 1_000]),
    }),
  ],
  [10, (random) => ({ do: 'monitor', limit: pick(random, [1, 100, 100]) })],
  [1, () => ({ do: 'cleanUp' })],
  [1, (random) => ({ do: 'keep', slot: below(random, 2) })],
  [0.8, (random) => ({ do: 'goBack', slot: below(random, 2) })],
  [9, (random) => ({ do: 'moveClock', ms: pick(random, [1, 300, 300, 600, 2_000]) })],
  [0.3, (random) => ({ do: 'moveClock', ms: pick(random, [HOUR_MS, -HOUR_MS, -5_000, 5_000]) })],
  [0.6, (random) => ({ do: 'deny', command: pick(random, COMMANDS) })],
  [1, () => ({ do: 'allow' })],
  [0.2, () => ({ do: 'exhaust' })],
  [0.4, () => ({ do: 'relent' })],
];

export function drawCoordinationStep(random: Random): CoordinationStep {
  return drawStep(random, CHANCES);
}
