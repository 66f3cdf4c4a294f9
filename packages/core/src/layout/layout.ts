import type { LifecycleEvent } from '../coordinator-registers.ts';

/**
 * How a value between two constant segments is read. A hashed value is part of a key: it is validated only if that key is new,
 * since all known keys are valid. An extra value is of a field that no event has, and is ignored.
 */
export const ID = 0;
export const LABEL = 1;
export const HASHED = 2;
export const DURATION = 3;
export const CLOCK = 4;
export const COUNT = 5;
export const WORD = 6;
export const EXTRA = 7;
/** Added to the kind of a value that JSON writes as a number. */
export const NUMBER = 8;

/** The numbers of a segment in `Layout.steps` (see `segment.ts`), and of the value behind it. */
export const STEP_BYTES = 0;
export const STEP_FIRST = 1;
export const STEP_LAST = 2;
export const STEP_VALUE = 3;
export const STEP_NUMBERS = 4;

/** Longest texts. */
export const ID_BYTES = 128;
export const LABEL_BYTES = 64;

/**
 * The bytes of events of one type that have the same fields in the same order: constant segments, compared eight bytes at a
 * time, and between them values of known kinds. The names of the fields, the type and the version are constant.
 */
export interface Layout {
  readonly type: string;
  /** Number of values; there is one segment more. */
  readonly values: number;
  /** For each segment: its bytes, its first and last piece, and the kind of the value behind it. */
  readonly steps: Int32Array;
  readonly pieces: Float64Array;
  /** Bytes of the names and of the constant values. */
  readonly constantBytes: number;
  /** Of each value: what it may be, if it is a word. */
  readonly vocabularies: readonly (readonly Uint8Array[] | undefined)[];
  /** Of each hashed value: what it must be, before it can be part of a new key. */
  readonly hashedKinds: readonly (typeof ID | typeof LABEL | typeof WORD)[];
  readonly observations: readonly Observation[];
  readonly life: LifeReading | undefined;
  /** Which value is the swarm. */
  readonly swarm: number;
  /** Events that it matched. Layouts with more are tried first. */
  matches: number;
}

/** A text of an event: the number of its value; if that is -1, a constant, since the event leaves the field out. */
export interface KeyPart {
  readonly value: number;
  readonly start: number;
  readonly length: number;
  readonly hash: number;
}

/** What an event adds to a metric. */
export interface Observation {
  /** Place of the metric in the batch. */
  readonly metric: number;
  readonly parts: readonly KeyPart[];
  /** Number of the value that is observed; -1: each event counts as one. */
  readonly value: number;
  readonly scale: number;
}

/** Which values change the registers of a coordinator; -1 or `undefined`: the event has no such field. */
export interface LifeReading {
  readonly type: LifecycleEvent['type'];
  readonly parts: readonly KeyPart[];
  readonly phase: KeyPart | undefined;
  readonly wait: number;
  readonly timeoutType: number;
}
