import type { Configuration } from '../configuration.ts';

/** How a coordinator of the demo behaves. */
export interface Part {
  readonly swarmId: string;
  readonly coordinatorId: string;
  /** All coordinators of the swarm, itself included. */
  readonly crew: readonly string[];
  /**
   * - `steady`: beats, answers soon, and now and then leaves and comes back;
   * - `slow`: takes seconds to answer, so that some waits for it time out;
   * - `flaky`: stops beating for a while, and recovers;
   * - `mortal`: is killed by SIGKILL, and comes back later.
   */
  readonly temper: 'steady' | 'slow' | 'flaky' | 'mortal';
  /** Share of signals that it settles without an ACK, so that their senders time out. */
  readonly lostAckShare: number;
}

interface Scenario {
  readonly swarms: Readonly<Record<string, readonly Part['temper'][]>>;
  readonly lostAckShare: number;
}

const SCENARIOS: Readonly<Record<Configuration['scenario'], Scenario>> = {
  // About 13 waits time out in five minutes: TimeoutEvents fires above 30.
  calm: {
    swarms: {
      build: ['steady', 'steady', 'steady', 'steady', 'steady'],
      review: ['steady', 'steady', 'steady'],
      release: ['steady', 'steady'],
    },
    lostAckShare: 0.005,
  },
  trouble: {
    swarms: {
      build: ['steady', 'steady', 'slow', 'mortal', 'flaky'],
      review: ['steady', 'steady', 'mortal'],
      release: ['steady', 'slow'],
    },
    lostAckShare: 0.02,
  },
};

/** All coordinators of the demo. */
export function chooseCast(scenario: Configuration['scenario']): readonly Part[] {
  const { swarms, lostAckShare } = SCENARIOS[scenario];
  return Object.entries(swarms).flatMap(([name, tempers]) => {
    const crew = tempers.map((_, at) => `${name}-${at + 1}`);
    return tempers.map((temper, at) => ({
      swarmId: `swarm-${name}`,
      coordinatorId: crew[at] ?? name,
      crew,
      temper,
      lostAckShare,
    }));
  });
}
