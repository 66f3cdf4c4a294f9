import type { CoordinationObserver } from '@streamfold/coordination';

export const K1 = { id: 'k1', secret: 'first-secret-0123456789abcdef' };
/** Options of a coordinator that takes only signed signals and ACKs. */
export const STRICT = { keys: [K1], requireSignatures: true };

/** An observer that notes each rejection: part, sender, reason, and the detail if there is one. */
export function collectRejections(): { observer: CoordinationObserver; facts: string[] } {
  const facts: string[] = [];
  const observer: CoordinationObserver = {
    rejected: ({ part, from, reason, detail }) =>
      void facts.push([part, from, reason, ...(detail === undefined ? [] : [detail])].join(' ')),
  };
  return { facts, observer };
}
