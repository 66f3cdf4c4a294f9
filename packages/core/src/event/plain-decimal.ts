/**
 * A JSON number as a text of plain digits. JavaScript writes numbers below a millionth with an exponent, which no field
 * takes: a difference of two clocks in floating point can well be `5.5e-17` ms, and is 0. From 1e21 on the exponent stays;
 * no field takes as much.
 */
export function toPlainDecimal(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-6 ? value.toFixed(20) : String(value);
}
