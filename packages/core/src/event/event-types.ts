import type { z } from 'zod';
import { cleanupRefused } from './cleanup-refused.ts';
import { cleanupRemoved } from './cleanup-removed.ts';
import { coordinatorPhaseChanged } from './coordinator-phase-changed.ts';
import { coordinatorStarted } from './coordinator-started.ts';
import { coordinatorStopped } from './coordinator-stopped.ts';
import type { EventType } from './define-event.ts';
import { heartbeatRecovered } from './heartbeat-recovered.ts';
import { heartbeatStale } from './heartbeat-stale.ts';
import { signalAcked } from './signal-acked.ts';
import { signalRejected } from './signal-rejected.ts';
import { signalSent } from './signal-sent.ts';
import { timeout } from './timeout.ts';
import { waitFinished } from './wait-finished.ts';
import { waitStarted } from './wait-started.ts';

const ALL = [
  coordinatorStarted,
  coordinatorPhaseChanged,
  coordinatorStopped,
  waitStarted,
  waitFinished,
  signalSent,
  signalAcked,
  signalRejected,
  heartbeatStale,
  heartbeatRecovered,
  timeout,
  cleanupRemoved,
  cleanupRefused,
] as const;

/** An event, decoded: wire names, durations in whole microseconds. */
export type Event = z.output<(typeof ALL)[number]['schema']>;

/** Every event type, in the order of the reference. */
export const EVENT_TYPES: readonly EventType[] = ALL as readonly unknown[] as readonly EventType[];

const byType = new Map(EVENT_TYPES.map((eventType) => [eventType.type, eventType]));

/** The event type of that name, or `undefined`. */
export function findEventType(type: string): EventType | undefined {
  return byType.get(type);
}

/**
 * What a publisher gives: wire names, durations in ms, optional fields left out or `undefined`. Extra fields, texts or
 * numbers, are kept in the stream and ignored.
 */
export type EventInput = KnownInput | (KnownInput & ExtraFields);

type KnownInput = {
  [Type in Event['type']]: InputOf<Extract<Event, { type: Type }>>;
}[Event['type']];

/** Separate from the known fields, because a value typed by a user's interface has no index signature. */
interface ExtraFields {
  readonly [name: string]: string | number | undefined;
}

type InputName<Name> = Name extends `${infer Quantity}_micros` ? `${Quantity}_ms` : Name;
type InputValue<Name, Value> = Name extends `${string}_micros` | 'at' | 'expected' ? number | string : Value;
/** Fields that a publisher may leave out although every decoded event has them. */
type Defaulted = 'v' | 'phase' | 'failure_type';
type MayBeLeftOut<E, Name extends keyof E> = undefined extends E[Name]
  ? true
  : Name extends 'v'
    ? true
    : E extends { type: 'coordinator.started' | 'heartbeat.stale' }
      ? Name extends Defaulted
        ? true
        : false
      : false;

type InputOf<E extends Event> = {
  readonly [Name in keyof E as MayBeLeftOut<E, Name> extends true ? never : InputName<Name>]: InputValue<
    Name,
    E[Name]
  >;
} & {
  readonly [Name in keyof E as MayBeLeftOut<E, Name> extends true ? InputName<Name> : never]?:
    InputValue<Name, E[Name]> | undefined;
};
