/**
 * The amount of a load: small in `npm test`, large in `npm run test:soak`, which takes the same tests. Files with such a
 * load are named in soak.config.js.
 */
export function amount<Amount>({ test, soak }: { readonly test: Amount; readonly soak: Amount }): Amount {
  return process.env['STREAMFOLD_TEST_SOAK'] === '1' ? soak : test;
}
