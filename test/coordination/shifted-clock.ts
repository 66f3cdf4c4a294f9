// Preloaded by a test (node --import): the clock of this process is off by STREAMFOLD_TEST_SHIFT_MS.
const shiftMs = Number(process.env['STREAMFOLD_TEST_SHIFT_MS']);
const realNow = Date.now.bind(Date);
Date.now = () => realNow() + shiftMs;
globalThis.Date = new Proxy(Date, {
  construct: (target, args: [] | [string]): Date =>
    args.length === 0 ? new target(target.now()) : new target(...args),
});
