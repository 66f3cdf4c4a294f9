import { EVENT_TYPES } from '@streamfold/core';
import { createRandom } from '../harness/generate-events.ts';
import { createValues, type Draw } from './generate-values.ts';

/** Replies to XREADGROUP, endless; the same for the same seed. */
export interface ReplySource {
  next(): Reply;
}

export interface Reply {
  readonly entries: number;
  readonly bytes: Buffer;
}

/** A publisher: what it writes always has these fields in this order, in this spelling. */
interface Publisher {
  readonly type: string;
  readonly names: readonly string[];
  /** Behind a colon and a comma: Python writes a space there. */
  readonly space: '' | ' ';
  /** Durations, clocks and counts as numbers of JSON. */
  readonly writesNumbers: boolean;
}

/** How often something is wrong: a few in a thousand values, or next to none, so that whole batches are valid. */
const FAULT_RATES = [0.0005, 0.0005, 0.0005, 0.01] as const;
const PUBLISHERS = 12;
const MOST_ENTRIES = 300;

export function createReplySource(seed: number): ReplySource {
  const draw = createDraw(seed);
  const faultRate = draw.pick(FAULT_RATES);
  const values = createValues(draw, faultRate);
  const ids = createIds(draw);
  const publishers: Publisher[] = [];

  const createPublisher = (): Publisher => {
    const { type, rules } = draw.pick(EVENT_TYPES);
    const names = rules.filter(({ required }) => required || draw.chance(0.5)).map(({ name }) => name);
    if (!draw.chance(faultRate)) names.unshift('type');
    if (draw.chance(0.3)) names.push('v');
    if (draw.chance(0.15)) names.splice(draw.below(names.length), 0, draw.pick(['note', 'x-y', '__proto__']));
    if (draw.chance(0.05)) names.push(draw.pick(names));
    if (draw.chance(0.3)) names.sort();
    return { type, names, space: draw.pick(['', ' ']), writesNumbers: draw.chance(0.5) };
  };
  const pickPublisher = (): Publisher => {
    if (publishers.length < PUBLISHERS || draw.chance(faultRate)) publishers.push(createPublisher());
    if (publishers.length > 4 * PUBLISHERS) publishers.shift();
    return draw.pick(publishers);
  };
  const flatFields = (): string[] => {
    const { type, names } = pickPublisher();
    const fields = names.flatMap((name) => [name, values.text(type, name)]);
    if (draw.chance(0.001)) fields.push('big', 'x'.repeat(16_384 - draw.pick([0, 100, 200, 300])));
    return fields;
  };
  const jsonEvent = ({ type, names, space, writesNumbers }: Publisher): string =>
    `{${names.map((name) => `"${name}":${space}${values.json(type, name, writesNumbers)}`).join(`,${space}`)}}`;
  const batchFields = (): string[] => {
    const publisher = pickPublisher();
    const count = draw.chance(0.0005) ? draw.pick([0, 999, 1_000, 1_001]) : 1 + draw.below(3);
    const events = Array.from({ length: count }, () =>
      jsonEvent(draw.chance(0.5) ? { ...pickPublisher(), space: publisher.space } : publisher),
    );
    return ['events', draw.mutateText(`[${events.join(`,${publisher.space}`)}]`, faultRate)];
  };
  const entry = (): string => {
    const id = bulk(ids());
    if (draw.chance(0.005)) return `*2\r\n${id}*-1\r\n`;
    const fields = draw.chance(0.88) ? flatFields() : batchFields();
    if (draw.chance(faultRate)) fields.push('more', 'fields');
    const texts = fields.map((text) => bulk(draw.mutateBytes(toBytes(text), faultRate / 4)));
    return `*2\r\n${id}*${texts.length}\r\n${texts.join('')}`;
  };

  return {
    next() {
      const entries = 1 + draw.below(MOST_ENTRIES);
      let bytes = `*1\r\n*2\r\n$21\r\nstreamfold:{0}:events\r\n*${entries}\r\n`;
      for (let left = entries; left > 0; left--) bytes += entry();
      return { entries, bytes: Buffer.from(bytes, 'latin1') };
    },
  };
}

const NOT_ASCII = /[^ -~]/;

/** The bytes of a text in UTF-8, as the characters of another one: much faster to put together than buffers. */
function toBytes(text: string): string {
  return NOT_ASCII.test(text) ? Buffer.from(text).toString('latin1') : text;
}

function bulk(bytes: string): string {
  return `$${bytes.length}\r\n${bytes}\r\n`;
}

export function createDraw(seed: number): Draw {
  const random = createRandom(seed);
  const below = (most: number): number => Math.floor(random() * most);
  const chance = (probability: number): boolean => random() < probability;
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  return {
    below,
    chance,
    pick,
    mutateText(text, rate) {
      if (!chance(rate)) return text;
      const at = below(text.length);
      return (
        text.slice(0, at) +
        pick(['', '"', '\\', '}', ',', ' ', 'x', '\n', '{', ']']) +
        text.slice(at + below(2))
      );
    },
    mutateBytes(bytes, rate) {
      if (bytes.length === 0 || !chance(rate)) return bytes;
      const at = below(bytes.length);
      return bytes.slice(0, at) + String.fromCharCode(below(256)) + bytes.slice(at + 1);
    },
  };
}

/** Ascending IDs, some of them around 2^53 and 2^64. */
function createIds(draw: Draw): () => string {
  let ms = draw.chance(0.15) ? 2n ** 53n : 1_790_000_000_000n;
  let seq = 0n;
  return () => {
    if (draw.chance(0.5)) seq += BigInt(1 + draw.below(3));
    else {
      ms += BigInt(1 + draw.below(draw.chance(0.05) ? 100_000_000 : 20));
      seq = draw.chance(0.03) ? 18_446_744_073_709_000_000n : 0n;
    }
    return `${ms}-${seq}`;
  };
}
