import type { Readable, Writable } from 'node:stream';

/** Where the program runs: a process of its own, or inside another one. */
export interface Host {
  /** The words after the name of the program. */
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable;
  /** Aborted to stop a command that runs until it is stopped. */
  readonly stop: AbortSignal;
  /** Called before a command starts. */
  readonly starting: (command: StartingCommand) => void;
  /** Called when `serve` listens at this address. */
  readonly listening: (url: string) => void;
}

export interface StartingCommand {
  /** True if it runs until it is stopped, and then finishes what it has begun. */
  readonly lasting: boolean;
  /** True if it may take long, and live folding on the same machine is more urgent. */
  readonly background: boolean;
}
