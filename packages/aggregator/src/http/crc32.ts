/** The polynomial of CRC-32, the lowest power first. */
const POLYNOMIAL = 0xedb8_8320;
const ONE = 0x8000_0000;
const X = 0x4000_0000;

/** The product of two polynomials modulo that of CRC-32. */
function multiply(left: number, right: number): number {
  let product = 0;
  let factor = right;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((left & bit) !== 0) product ^= factor;
    factor = (factor & 1) === 0 ? factor >>> 1 : (factor >>> 1) ^ POLYNOMIAL;
  }
  return product >>> 0;
}

/** x^(2^n) for n from 0 to 31, after which it repeats. */
const POWERS = Array.from({ length: 32 }, () => 0);
for (let n = 0, power = X; n < POWERS.length; n++) {
  POWERS[n] = power;
  power = multiply(power, power);
}

const BITS_PER_BYTE_LOG2 = 3;

/** The factor by which a CRC-32 is multiplied when this number of bytes follows. */
export function advanceOver(byteCount: number): number {
  let product = ONE;
  let n = BITS_PER_BYTE_LOG2;
  for (let rest = byteCount; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) product = multiply(POWERS[n % POWERS.length] ?? 0, product);
    n++;
  }
  return product;
}

/**
 * The CRC-32 of two runs of bytes, one after the other, from the CRC-32 of each.
 *
 * @param advance `advanceOver` the number of bytes of the second one.
 * @see https://github.com/madler/zlib/blob/v1.3.1/crc32.c `crc32_combine`
 */
export function appendCrc32(first: number, second: number, advance: number): number {
  return (multiply(advance, first) ^ second) >>> 0;
}
