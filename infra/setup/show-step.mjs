/** A step that is done sooner is not worth a line, ms. */
const SLOW_MS = 1_000;

/** Shows each step and how long it took, on one line. */
export async function showStep(what, work) {
  const startedMs = performance.now();
  console.log(`streamfold: ${what} …`);
  const result = await work();
  showDone(what, startedMs);
  return result;
}

/** The same for a step that is usually done at once: shown only if it takes longer than a second. */
export async function showSlowStep(what, work) {
  const startedMs = performance.now();
  let isShown = false;
  const timer = setTimeout(() => {
    isShown = true;
    console.log(`streamfold: ${what} …`);
  }, SLOW_MS);
  try {
    const result = await work();
    if (isShown) showDone(what, startedMs);
    return result;
  } finally {
    clearTimeout(timer);
  }
}

function showDone(what, startedMs) {
  console.log(`streamfold: ${what}: done in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}
