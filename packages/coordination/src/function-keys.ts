import type { CoordinationKeys } from '@streamfold/redis';
import type { FunctionName } from './function-library.ts';

/**
 * The keys that a call of each function touches, in addition to the stream of events, as far as its arguments tell. Further
 * ones, such as those of overdue coordinators, depend on the state: the function asks for them.
 */
const KEYS_OF: Readonly<
  Record<FunctionName, (keys: CoordinationKeys, args: readonly string[]) => readonly string[]>
> = {
  'start-coordinator': (keys, [swarm = '', id = '']) => [
    keys.coordinator(swarm, id),
    keys.inbox(swarm, id),
    keys.waits(swarm, id),
    keys.heartbeats,
    keys.ended,
    keys.lives,
  ],
  beat: (keys, [swarm = '', id = '']) => [keys.coordinator(swarm, id), keys.heartbeats],
  'change-phase': (keys, [swarm = '', id = '']) => [keys.coordinator(swarm, id)],
  'stop-coordinator': (keys, [swarm = '', id = '']) => [
    keys.coordinator(swarm, id),
    keys.inbox(swarm, id),
    keys.waits(swarm, id),
    keys.heartbeats,
    keys.ended,
  ],
  'send-signal': (keys, [swarm = '', sender = '', , signal = '', iteration = '', ...rest]) => {
    const [, , ackTimeoutMs = '0', , , header = '', ...addressed] = rest;
    const receivers = addressed.filter((_, at) => at % 3 === 0);
    return [
      keys.signal(swarm, signal, iteration),
      keys.coordinator(swarm, sender),
      ...(ackTimeoutMs === '0' ? [] : [keys.deadlines]),
      // Without a header, as from programs of the earlier version, the function asks for the keys of the receivers.
      ...(header.includes('|')
        ? receivers.flatMap((id) => [keys.inbox(swarm, id), keys.coordinator(swarm, id)])
        : []),
    ];
  },
  'acknowledge-signal': (keys, [swarm = '', , signal = '', iteration = '', ...rest]) => {
    const [, , owner = ''] = rest;
    return [
      keys.coordinator(swarm, owner),
      keys.inbox(swarm, owner),
      keys.settled(swarm, owner),
      keys.signal(swarm, signal, iteration),
      keys.acks(swarm, signal, iteration),
      keys.deadlines,
    ];
  },
  'settle-signal': (keys, [swarm = '', id = '']) => [
    keys.coordinator(swarm, id),
    keys.inbox(swarm, id),
    keys.settled(swarm, id),
  ],
  'list-settled': (keys, [swarm = '', id = '']) => [keys.settled(swarm, id)],
  'read-near-bound': (keys) => [keys.nearBound],
  'read-acks': (keys, [swarm = '', signal = '', iteration = '']) => [
    keys.signal(swarm, signal, iteration),
    keys.acks(swarm, signal, iteration),
  ],
  'reject-ack': (keys, [swarm = '', signal = '', iteration = '']) => [
    keys.signal(swarm, signal, iteration),
    keys.acks(swarm, signal, iteration),
  ],
  'start-wait': (keys, [swarm = '', id = '', , wait = '', signal = '', iteration = '']) => [
    keys.coordinator(swarm, id),
    keys.wait(swarm, wait),
    keys.waits(swarm, id),
    keys.signal(swarm, signal, iteration),
    keys.acks(swarm, signal, iteration),
    keys.deadlines,
  ],
  'finish-wait': (keys, [swarm = '', wait = '']) => [keys.wait(swarm, wait), keys.deadlines],
  'step-monitor': (keys) => [keys.heartbeats, keys.deadlines, keys.monitor, keys.setAside],
  'open-work': (keys, [swarm = '', id = '']) => [keys.coordinator(swarm, id), keys.work(swarm, id)],
  'finish-work': (keys, [swarm = '', id = '']) => [keys.coordinator(swarm, id), keys.work(swarm, id)],
  'list-work': (keys, [swarm = '', id = '']) => [keys.coordinator(swarm, id), keys.work(swarm, id)],
  'take-over': (keys, [swarm = '', id = '', , ended = '', successor = '']) => [
    keys.coordinator(swarm, id),
    keys.coordinator(swarm, ended),
    keys.work(swarm, ended),
    keys.inbox(swarm, ended),
    ...(successor === ''
      ? [keys.heartbeats]
      : [keys.coordinator(swarm, successor), keys.work(swarm, successor), keys.inbox(swarm, successor)]),
  ],
  'clean-up': (keys) => [keys.ended, keys.lives],
};

/** The keys of a call that its arguments name, without the stream of events. */
export function nameKeys(
  name: FunctionName,
  keys: CoordinationKeys,
  args: readonly (string | number)[],
): readonly string[] {
  return KEYS_OF[name](keys, args.map(String));
}
