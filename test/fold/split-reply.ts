import { isUtf8 } from 'node:buffer';

/** An entry of a reply to XREADGROUP. */
export interface SplitEntry {
  /** All of it. */
  readonly bytes: Buffer;
  readonly id: string;
  readonly fields: readonly Buffer[];
}

/** The entries of a reply to XREADGROUP; `undefined` if one was deleted meanwhile: a log never holds such entries. */
export function splitReply(reply: Buffer): SplitEntry[] | undefined {
  let at = 0;
  const readNumber = (): number => {
    const end = reply.indexOf(CR, at);
    const number = Number(reply.toString('latin1', at + 1, end));
    at = end + 2;
    return number;
  };
  const readText = (): Buffer => {
    const length = readNumber();
    at += length + 2;
    return reply.subarray(at - length - 2, at - 2);
  };
  readNumber(); // one stream
  readNumber(); // its key and its entries
  readText();
  const count = readNumber();
  const entries: SplitEntry[] = [];
  for (let entry = 0; entry < count; entry++) {
    const start = at;
    readNumber(); // an ID and fields
    const id = readText().toString();
    const texts = readNumber();
    if (texts === -1) return undefined;
    const fields = Array.from({ length: texts }, readText);
    entries.push({ bytes: reply.subarray(start, at), id, fields });
  }
  return entries;
}

const CR = 13;

/** The line of an entry in a segment of an archive. */
export function writeLine({ id, fields }: SplitEntry): string {
  const texts = fields.map((field) =>
    isUtf8(field) ? field.toString() : { base64: field.toString('base64') },
  );
  return `${JSON.stringify({ id, fields: texts })}\n`;
}
