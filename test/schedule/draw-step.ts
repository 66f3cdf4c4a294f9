import type { Random } from './subject.ts';

/** A whole number from 0 to n − 1. */
export function below(random: Random, n: number): number {
  return Math.floor(random() * n);
}

/** A random one of them. */
export function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[below(random, choices.length)] ?? choices[0];
}

/** How often a step is drawn, relative to the others, and how. */
export type Chance<Step> = readonly [weight: number, draw: (random: Random) => Step];

/** A random step, drawn by weight. */
export function drawStep<Step>(random: Random, chances: readonly [Chance<Step>, ...Chance<Step>[]]): Step {
  let left = random() * chances.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, draw] of chances) {
    left -= weight;
    if (left < 0) return draw(random);
  }
  return chances[0][1](random);
}
