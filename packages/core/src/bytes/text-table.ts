import { KeyParts } from './key-parts.ts';
import { KeyTable, NO_KEY } from './key-table.ts';
import { readAscii } from './read-ascii.ts';
import type { ReceiveBuffer } from './receive-buffer.ts';

/** Texts by their bytes: a text that was read before is found again, and no string is made of the same bytes twice. */
export class TextTable {
  private readonly table = new KeyTable();
  private readonly source: ReceiveBuffer;
  private readonly parts: KeyParts;
  /** The number of the text that was read last. */
  slot = 0;
  private texts: string[] = [];

  /** The bytes of texts are in `source`. */
  constructor(source: ReceiveBuffer) {
    this.source = source;
    this.parts = new KeyParts(source);
  }

  /** Forgets all texts if they have taken much memory. Numbers are then given anew. */
  clearIfLarge(): 'cleared' | 'kept' {
    if (!this.table.isLarge) return 'kept';
    this.table.clear();
    this.texts = [];
    return 'cleared';
  }

  /** The text of ASCII bytes. */
  read(start: number, length: number): string {
    const { parts, source, table } = this;
    parts.clear();
    parts.add(start, length, source.hash(start, length));
    parts.finish();
    let key = table.find(parts);
    if (key === NO_KEY) {
      key = table.insert(parts);
      this.texts.push(readAscii(source.bytes, start, length));
    }
    this.slot = table.slotOf(key);
    return this.texts[this.slot] ?? '';
  }
}
