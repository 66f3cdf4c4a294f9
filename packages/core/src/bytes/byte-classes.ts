/** The characters of ids and label texts (see `event/field.ts`). */
const NAME_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/@';

/** 1 for each byte that ids and label texts are made of. */
export const NAME_BYTES = new Uint8Array(256);
for (let at = 0; at < NAME_CHARACTERS.length; at++) NAME_BYTES[NAME_CHARACTERS.charCodeAt(at)] = 1;

/** For two bytes, read as a little-endian number: how many of them, from the first, are name bytes. */
export const NAME_PAIRS = new Uint8Array(65_536);
for (let pair = 0; pair < NAME_PAIRS.length; pair++)
  if (NAME_BYTES[pair & 255] === 1) NAME_PAIRS[pair] = NAME_BYTES[pair >> 8] === 1 ? 2 : 1;

/** 1 for each byte that JSON writes without an escape: printable ASCII but `"` and `\`. */
export const PLAIN_BYTES = new Uint8Array(256);
for (let byte = 0x20; byte < 0x7f; byte++) if (byte !== 0x22 && byte !== 0x5c) PLAIN_BYTES[byte] = 1;

export const ZERO = 48;
export const MINUS = 45;
export const POINT = 46;
export const CR = 13;
export const COMMA = 44;
export const SPACE = 32;
export const DOLLAR = 36;
export const QUOTE = 34;
export const OPENING_BRACKET = 91;
export const BACKSLASH = 92;
export const CLOSING_BRACKET = 93;
