/** Shows each step and how long it took, on one line. */
export async function showStep(what, work) {
  const startedMs = performance.now();
  console.log(`streamfold: ${what} …`);
  const result = await work();
  console.log(`streamfold: ${what}: done in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  return result;
}
