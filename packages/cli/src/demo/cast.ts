/** How a coordinator of the demo behaves. */
export interface Part {
  readonly swarmId: string;
  readonly coordinatorId: string;
  /** All coordinators of the swarm, itself included. */
  readonly crew: readonly string[];
  /**
   * - `steady`: beats, answers soon, and now and then leaves and comes back;
   * - `slow`: takes seconds to answer, so that those who wait for it sometimes wait in vain;
   * - `flaky`: stops beating for a while, and recovers;
   * - `mortal`: is killed by SIGKILL, and comes back later.
   */
  readonly temper: 'steady' | 'slow' | 'flaky' | 'mortal';
}

const SWARMS: Readonly<Record<string, readonly Part['temper'][]>> = {
  build: ['steady', 'steady', 'slow', 'mortal', 'flaky'],
  review: ['steady', 'steady', 'mortal'],
  release: ['steady', 'slow'],
};

/** Everybody who plays in the demo. */
export const CAST: readonly Part[] = Object.entries(SWARMS).flatMap(([name, tempers]) => {
  const crew = tempers.map((_, at) => `${name}-${at + 1}`);
  return tempers.map((temper, at) => ({
    swarmId: `swarm-${name}`,
    coordinatorId: crew[at] ?? name,
    crew,
    temper,
  }));
});
