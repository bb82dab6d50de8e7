import { expect, it } from 'vitest';
import { parseProperties } from './zfs-properties.ts';

it('properties are read in the order in which they were asked for', () => {
  expect(parseProperties('mountpoint\t/srv/vol1/a b\tlocal\nmounted\tyes\t-\n', ['mountpoint', 'mounted'])).toEqual({
    mountpoint: { value: '/srv/vol1/a b', source: 'local' },
    mounted: { value: 'yes', source: '-' },
  });
});

it.each(['', 'mounted\tyes\n', 'mounted\tyes\t-\tmore\n', 'other\tyes\t-\n', 'mounted\t\t-\n', 'mounted'])(
  'an answer that is not understood is not acted on: %j',
  (text) => {
    expect(() => parseProperties(text, ['mounted'])).toThrow(/was not understood/);
  },
);
