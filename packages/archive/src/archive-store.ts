/** Where an archive keeps its files: named bytes in folders, one level deep. Names are of `a–z 0–9 . -` only. */
export interface ArchiveStore {
  /**
   * Makes sure, before anything is written to a folder, that `create` can keep its promise there; removes files that writers
   * left behind when they crashed. Costs something only the first time.
   *
   * @throws {ConfigurationError} if the store cannot create a file only if there is none of its name.
   */
  prepare(folder: string): Promise<void>;
  /** The whole content, or `undefined` if there is no such file. */
  read(name: string): Promise<Buffer | undefined>;
  /** Writes a file whose name says its content: a second write writes the same. Durable once it resolves. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * Writes a file only if there is none of that name: of several that try at once, one gets `created`. It is there
   * whole or not at all, whatever crashes; durable once it resolves.
   */
  create(name: string, bytes: Uint8Array): Promise<'created' | 'exists'>;
  /** Names of the files in a folder that come after `after`, ascending, without the folder; none if there is no such folder. */
  list(folder: string, after?: string): Promise<string[]>;
  /** Removes a file; it may be gone already. */
  remove(name: string): Promise<void>;
  /** Closes what is open. */
  close(): void;
}
