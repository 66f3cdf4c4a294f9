/**
 * Tells the bench that this program is loaded, and waits for its word: the clock starts for all contenders, and for all
 * processes of one, at the same place.
 */
export async function waitForStart(): Promise<void> {
  process.send?.({ type: 'loaded' });
  await new Promise((resolve) => process.once('message', resolve));
}
