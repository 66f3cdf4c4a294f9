/**
 * Reports to the bench that this program is loaded, and waits for the start signal: the clock starts at the same point for
 * all contenders, and for all processes of one.
 */
export async function waitForStart(): Promise<void> {
  process.send?.({ type: 'loaded' });
  await new Promise((resolve) => process.once('message', resolve));
}
