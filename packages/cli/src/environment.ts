import type { Configuration } from './configuration.ts';

/** What the entry point hands to a command: the real world. */
export interface Environment {
  readonly configuration: Configuration;
  /** Aborted by SIGTERM, SIGINT, or the end of a parent that started us with a channel. */
  readonly stop: AbortSignal;
  readonly print: (line: string) => void;
  /** Writes text to standard output unchanged, and waits until there is room for more. */
  readonly write: (text: string) => Promise<void>;
  readonly printError: (line: string) => void;
  /** Standard output is a terminal. */
  readonly terminal: boolean;
  /** Standard input is a terminal: somebody types. */
  readonly typed: boolean;
  readonly version: string;
  /** Reports the address at which `serve` listens. */
  readonly listening: (url: string) => void;
  /** Monotonic clock, ms. */
  readonly now: () => number;
  /** The clock of this machine, ms since 1970. */
  readonly localTimeMs: () => number;
  readonly random: () => number;
  readonly createId: () => string;
  /** Waits `ms` milliseconds, or until the signal is aborted. */
  readonly pause: (ms: number, stop: AbortSignal) => Promise<void>;
  readonly readStdin: () => Promise<string>;
}

/** Exit code of a command: 0 done, 1 it failed or found a failure, 2 wrong usage or configuration. */
export type ExitCode = 0 | 1 | 2;

export type Command = (environment: Environment, args: readonly string[]) => Promise<ExitCode>;
