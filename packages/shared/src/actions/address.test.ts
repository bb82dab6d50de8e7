import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containsPrefix, formatPrefix, overlapsPrefix, parsePrefix, specialRange, type Prefix } from './address.ts';

const canonical = (text: string): string | null => {
  const prefix = parsePrefix(text);
  return prefix === null ? null : formatPrefix(prefix);
};

describe('parsePrefix', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.0/24', '192.0.2.0/24'],
    ['192.0.2.7/32', '192.0.2.7'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0db8::0001:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:0:1::', '2001:db8:0:0:1::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['::ffff:192.0.2.0/120', '192.0.2.0/24'],
    ['64:ff9b::192.0.2.7', '64:ff9b::c000:207'],
    ['0.0.0.0/0', '0.0.0.0/0'],
  ])('writes %s as %s', (text, wanted) => {
    expect(canonical(text)).toBe(wanted);
  });

  it.each([
    '010.1.1.1',
    '0',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '0x7f.0.0.1',
    '1.2.3.4/33',
    '1.2.3.4/24',
    '1.2.3.0/024',
    '1.2.3.4/',
    '1.2.3.4/24/1',
    'localhost',
    '',
    ':',
    ':::',
    '1::2::3',
    '2001:db8::1%eth0',
    '2001:db8:1:2:3:4:5',
    '2001:db8:1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7::8',
    '2001:db8::12345',
    '2001:db8::1/64',
    '::ffff:1.2.3.4:5',
    '1.2.3.4::',
    '192.0.2.7 ',
    '１.2.3.4',
    '1.2.3.4 timeout 5s }; delete table inet hauban; #',
  ])('refuses %j', (text) => {
    expect(canonical(text)).toBeNull();
  });

  it('gives a text that gives itself again, for any bits', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(4 as const, 6 as const),
        fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
        fc.nat(128),
        (family, bits, length) => {
          const size = family === 4 ? 32 : 128;
          const cut = Math.min(length, size);
          const prefix = {
            family,
            bits: ((bits % (1n << BigInt(size))) >> BigInt(size - cut)) << BigInt(size - cut),
            length: cut,
          };
          const text = formatPrefix(prefix);
          const again = parsePrefix(text);
          expect(again === null ? null : formatPrefix(again)).toBe(
            text.startsWith('::ffff:') ? formatPrefix(again!) : text,
          );
        },
      ),
    );
  });
});

it('knows containment and overlap', () => {
  const prefix = (text: string): Prefix => parsePrefix(text)!;
  const [wide, narrow] = [prefix('10.0.0.0/8'), prefix('10.1.0.0/16')];
  expect(containsPrefix(wide, narrow)).toBe(true);
  expect(containsPrefix(narrow, wide)).toBe(false);
  expect(overlapsPrefix(narrow, wide)).toBe(true);
  expect(overlapsPrefix(prefix('11.0.0.0/8'), wide)).toBe(false);
  expect(overlapsPrefix(prefix('::/0'), wide)).toBe(false);
});

it.each([
  ['127.0.0.1', 'loopback'],
  ['127.0.0.0/8', 'loopback'],
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['fe80::1', 'link-local'],
  ['169.254.1.1', 'link-local'],
  ['224.0.0.1', 'multicast'],
  ['ff02::1', 'multicast'],
  ['255.255.255.255', 'reserved'],
  ['192.0.2.1', null],
  ['2001:db8::1', null],
])('%s is %s', (text, what) => {
  expect(specialRange(parsePrefix(text)!)).toBe(what);
});
