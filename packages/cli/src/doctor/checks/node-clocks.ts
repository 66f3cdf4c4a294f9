import type { Check } from '../check.ts';
import { judge, type Finding } from '../finding.ts';
import { answers, type ServerNode } from '../server-node.ts';

const WHAT = 'clocks of nodes';

/** A larger difference between the clocks of two nodes is a warning, ms. */
const TOLERATED_MS = 1_000;

/** What TIME of a node said: how far its clock is ahead of ours, ms, and how much of that the round trip leaves open. */
export interface ClockReading {
  readonly at: string;
  readonly aheadMs: number;
  readonly uncertainMs: number;
}

/** Of a Cluster: whether the clocks of its nodes agree. Shards on two nodes, and a failover, mix their times. */
export const nodeClocks: Check = {
  name: WHAT,
  async run({ nodes, localTimeMs }) {
    const answering = nodes.filter(answers);
    if (answering.length < 2) return [];
    return [judgeClocks(await Promise.all(answering.map((node) => readClock(node, localTimeMs))))];
  },
};

async function readClock({ connection, at }: ServerNode, localTimeMs: () => number): Promise<ClockReading> {
  const before = localTimeMs();
  const [seconds, micros] = await connection.time();
  const after = localTimeMs();
  const theirs = Number(seconds) * 1_000 + Number(micros) / 1_000;
  return { at, aheadMs: theirs - (before + after) / 2, uncertainMs: (after - before) / 2 };
}

/** Only a difference that no delay of the network explains is one. */
export function judgeClocks(readings: readonly ClockReading[]): Finding {
  const { ok, warn } = judge(WHAT);
  const ordered = readings.toSorted((left, right) => left.aheadMs - right.aheadMs);
  const [first, last] = [ordered[0], ordered.at(-1)];
  if (first === undefined || last === undefined) return ok('there are no nodes');
  const differenceMs = Math.round(last.aheadMs - first.aheadMs);
  const openMs = Math.ceil(first.uncertainMs + last.uncertainMs);
  if (differenceMs - openMs > TOLERATED_MS)
    return warn(
      `${differenceMs} ms apart, give or take ${openMs} ms: the node${last.at} is ahead of the node${first.at}; synchronise the clocks (NTP), or a failover moves time by as much`,
    );
  return openMs > TOLERATED_MS
    ? ok(`cannot be compared: the answers took up to ${2 * openMs} ms`)
    : ok(`at most ${differenceMs + openMs} ms apart`);
}
