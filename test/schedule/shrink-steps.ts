/**
 * The fewest steps, in their order, that still fail: parts are left out as long as the rest fails, halves first, single steps
 * last. `fails` is asked at most `tries` times.
 */
export async function shrinkSteps<Step>(
  steps: readonly Step[],
  fails: (steps: readonly Step[]) => Promise<boolean>,
  tries: number,
): Promise<readonly Step[]> {
  let left = steps;
  let size = Math.ceil(left.length / 2);
  while (tries > 0) {
    const before = left.length;
    for (let from = left.length - size; from > -size && tries > 0; from -= size) {
      const without = [...left.slice(0, Math.max(0, from)), ...left.slice(from + size)];
      tries -= 1;
      if (await fails(without)) left = without;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (left.length === before) break;
  }
  return left;
}
