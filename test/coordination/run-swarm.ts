import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '../harness/generate-events.ts';
import type { SwarmProcessNews, SwarmProcessSettings } from './swarm-process.ts';

/** Coordinators in a few processes that signal each other under load. */
export interface Swarm {
  readonly swarmId: string;
  /** Coordinators of each process. */
  readonly idsOf: readonly (readonly string[])[];
  /** SIGKILLs a process. Resolves when it is gone. */
  kill(at: number): Promise<void>;
  /** Starts it again: the same ids begin new lives. Resolves when all of them beat. */
  replace(at: number): Promise<void>;
  /** Stops sending signals; signals that arrive are still ACKed. Resolves when no sender waits any longer. */
  fallSilent(): Promise<void>;
  /** The notes of all processes, each in order. */
  readNotes(): Promise<string[][]>;
  /** Kills all processes and removes the notes. */
  end(): Promise<void>;
}

export type SwarmOptions = Omit<SwarmProcessSettings, 'logFile' | 'peers'> & {
  readonly coordinators: number;
  readonly processes: number;
  /** The number of other coordinators, chosen at random, that a coordinator sends to. It bounds the series of the metrics. */
  readonly peersEach: number;
};

interface Runner {
  readonly child: ChildProcess;
  readonly beating: Promise<void>;
  readonly silent: Promise<void>;
}

/** Starts the processes of a swarm and resolves when all coordinators beat. */
export async function startSwarm(options: SwarmOptions): Promise<Swarm> {
  const { coordinators, processes, peersEach, ...settings } = options;
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-swarm-'));
  const random = createRandom(settings.seed);
  const ids = Array.from({ length: coordinators }, (_, number) => `c${number}`);
  const pickPeers = (self: string): string[] => {
    const peers = new Set<string>();
    while (peers.size < peersEach) peers.add(ids[Math.floor(random() * ids.length)] ?? '');
    return [...peers].filter((id) => id !== self);
  };
  const peersOf = Array.from({ length: processes }, (_, process) =>
    Object.fromEntries(
      ids.filter((_id, number) => number % processes === process).map((id) => [id, pickPeers(id)]),
    ),
  );

  let starts = 0;
  const start = (at: number): Runner => {
    const given: SwarmProcessSettings = {
      ...settings,
      seed: settings.seed + ++starts,
      logFile: join(directory, `${at}-${starts}`),
      peers: peersOf[at] ?? {},
    };
    const program = new URL('./swarm-process.js', import.meta.url);
    const child = fork(program, [JSON.stringify(given)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const told = (news: SwarmProcessNews): Promise<void> =>
      new Promise((resolve, reject) => {
        child.on('message', (message) => {
          if (message === news) resolve();
        });
        child.once('exit', (code, signal) => reject(new Error(`expected ${news}; got ${code ?? signal}`)));
      });
    const runner = { child, beating: told('beating'), silent: told('silent') };
    for (const promise of [runner.beating, runner.silent]) promise.catch(() => undefined);
    return runner;
  };
  const runners = peersOf.map((_, at) => start(at));
  const living = (): Runner[] => runners.filter(({ child }) => child.signalCode === null);
  const swarm: Swarm = {
    swarmId: settings.swarmId,
    idsOf: peersOf.map((peers) => Object.keys(peers)),
    async kill(at) {
      const runner = runners[at];
      if (runner !== undefined) await killRunner(runner);
    },
    async replace(at) {
      const runner = start(at);
      runners[at] = runner;
      await runner.beating;
    },
    async fallSilent() {
      for (const { child } of living()) child.send('fall silent');
      await Promise.all(living().map(({ silent }) => silent));
    },
    async readNotes() {
      const files = await readdir(directory);
      const texts = await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')));
      return texts.map((text) => text.split('\n').filter((line) => line !== ''));
    },
    async end() {
      await Promise.all(runners.map(killRunner));
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(runners.map(({ beating }) => beating));
    return swarm;
  } catch (error) {
    await swarm.end();
    throw error;
  }
}

async function killRunner({ child }: Runner): Promise<void> {
  if (child.signalCode !== null || child.exitCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
