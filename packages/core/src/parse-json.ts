/** A number, not a text, of sixteen characters or more: it may have more digits than a double holds. */
const LONG_NUMBER = /[:,[\s]-?\d[\d.]{15}/;
/** A text, or a number without an exponent. */
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?![\d.eE])/g;
const LONG_CHARACTERS = 16;

/**
 * JSON.parse, except that a number of sixteen characters or more becomes the text of its digits as written. IDs of 64 bits
 * stay apart: as doubles, ten of them could become one.
 *
 * @throws {SyntaxError} if the text is not JSON.
 */
export function parseJson(text: string): unknown {
  const parsed: unknown = JSON.parse(text); // first, since only valid JSON may be rewritten
  return LONG_NUMBER.test(text) ? JSON.parse(text.replace(TEXT_OR_NUMBER, quoteLongNumber)) : parsed;
}

function quoteLongNumber(token: string): string {
  return token.startsWith('"') || token.length < LONG_CHARACTERS ? token : `"${token}"`;
}
