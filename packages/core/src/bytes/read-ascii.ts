/** ASCII bytes as a text. */
export function readAscii(bytes: Uint8Array, start: number, length: number): string {
  // An array of bytes is as good as a list of arguments, and there are never many.
  return String.fromCharCode.apply(undefined, bytes.subarray(start, start + length) as unknown as number[]);
}
