import type { SeededRandom } from '@hauban/shared/testing';

/** What breaks readers: ends of texts, huge and odd numbers, names of prototypes, bytes that are no UTF-8, nesting. */
const DICTIONARY: readonly Uint8Array[] = [
  ...['\0', '"', '\\', '{', '}', '[', ']', ',', ':', '.', '\n', '\r\n', '=', '-1', '1e999', '1e-7', '9007199254740993'],
  ...['__proto__', '{"__proto__":{"polluted":true}}', '"constructor":{"prototype":{}}', 'null', 'true', '\\u0000'],
  ...['\\ud800', '\u202e', '${x}', '../', '%00', '"t":', 'A'.repeat(300), '[['.repeat(400), '{"a":'.repeat(400)],
]
  .map((text) => Buffer.from(text))
  .concat([Buffer.from([0xff]), Buffer.from([0xc0, 0x80]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.alloc(9)]);
const WINDOW = 64;

type Mutation = (bytes: Buffer, random: SeededRandom, other: Buffer) => Buffer;

const at = (bytes: Buffer, random: SeededRandom): number => random.below(bytes.length + 1);
const splice = (bytes: Buffer, from: number, length: number, put: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + length)]);

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    const place = random.below(Math.max(1, copy.length));
    if (copy.length > 0) copy[place] = (copy[place] ?? 0) ^ (1 << random.below(8));
    return copy;
  },
  (bytes, random) => splice(bytes, at(bytes, random), random.below(WINDOW), Buffer.alloc(0)),
  (bytes, random) => splice(bytes, at(bytes, random), 0, random.bytes(random.below(8))),
  (bytes, random) => bytes.subarray(0, at(bytes, random)),
  (bytes, random) => {
    const from = at(bytes, random);
    return splice(bytes, at(bytes, random), 0, bytes.subarray(from, from + random.below(WINDOW)));
  },
  (bytes, random) =>
    splice(bytes, at(bytes, random), random.below(4), DICTIONARY[random.below(DICTIONARY.length)] ?? bytes),
  (bytes, random, other) => {
    const from = at(other, random);
    return splice(bytes, at(bytes, random), random.below(WINDOW), other.subarray(from, from + random.below(WINDOW)));
  },
];

/** A text of the other side after 1 to 6 faults; now and then only noise. */
export function mutateBytes(samples: readonly Uint8Array[], random: SeededRandom): Buffer {
  const pick = (): Buffer => Buffer.from(samples[random.below(samples.length)] ?? []);
  if (random.below(50) === 0) return Buffer.from(random.bytes(random.below(512)));
  let bytes = pick();
  for (let faults = 1 + random.below(6); faults > 0; faults -= 1) {
    const mutation = MUTATIONS[random.below(MUTATIONS.length)];
    if (mutation !== undefined) bytes = Buffer.from(mutation(bytes, random, pick()));
  }
  return bytes;
}
