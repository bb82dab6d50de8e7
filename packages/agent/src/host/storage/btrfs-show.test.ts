import { describe, expect, it } from 'vitest';
import { parseSubvolume } from './btrfs-show.ts';

/** As btrfs-progs 6.2 writes it. */
const SHOWN = `.snapshots/w4a100010/daily-2026-11-22
	Name: 			daily-2026-11-22
	UUID: 			0a1b2c3d-0000-4000-8000-000000000001
	Parent UUID: 		0a1b2c3d-0000-4000-8000-000000000002
	Received UUID: 		-
	Creation time: 		2026-11-22 16:12:50 +0200
	Subvolume ID: 		261
	Generation: 		14
	Flags: 			readonly
	Snapshot(s):
`;

describe('btrfs subvolume show', () => {
  it('tells what it is a snapshot of, since when, and that it is read-only', () => {
    expect(parseSubvolume(SHOWN)).toEqual({
      uuid: '0a1b2c3d-0000-4000-8000-000000000001',
      parentUuid: '0a1b2c3d-0000-4000-8000-000000000002',
      createdAtMs: Date.parse('2026-11-22T14:12:50Z'),
      readOnly: true,
    });
  });

  it('of one that is none and can be written', () => {
    const plain = SHOWN.replace(/Parent UUID:\s+\S+/, 'Parent UUID: \t\t-').replace('readonly', '-');
    expect(parseSubvolume(plain)).toMatchObject({ parentUuid: null, readOnly: false });
  });

  it.each(['', 'ERROR: not a subvolume', SHOWN.replace('2026-11-22 16', 'then 16'), SHOWN.replace('UUID', 'ID')])(
    'anything else is not understood',
    (text) => expect(parseSubvolume(text)).toBeNull(),
  );
});
