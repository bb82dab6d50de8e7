import { describe, expect, it } from 'vitest';
import { parseBanListLines } from './ban-list-lines.ts';

describe('the lines of a ban list', () => {
  it('are read with remarks and empty lines, each address once and canonical', () => {
    const text =
      '\uFEFF# from the mail servers\r\n\r\n192.0.3.7 # guessed\n192.0.3.0/24 ; SBL1\n  192.0.3.7\n2a00:DB8::1';
    expect(parseBanListLines(text)).toEqual({ targets: ['192.0.3.7', '192.0.3.0/24', '2a00:db8::1'], problems: [] });
  });

  it('that are bad are named by the number that an editor shows', () => {
    const { problems } = parseBanListLines('192.0.3.7\n\n# remark\n192.0.3.256\n127.0.0.1\n192.0.3.1 192.0.3.2\n<b>');
    expect(problems.map(({ line }) => line)).toEqual([4, 5, 6, 7]);
    expect(parseBanListLines('\n16.0.0.0/4').problems[0]).toMatchObject({
      line: 2,
      says: expect.stringContaining('too wide'),
    });
  });

  it('that are no address are told in short, and never taken for one by being cut', () => {
    const { targets, problems } = parseBanListLines(`192.0.3.7${' '.repeat(60)}x\n${'y'.repeat(100_000)}`);
    expect(targets).toEqual([]);
    expect(problems).toHaveLength(2);
    for (const { says } of problems) expect(says.length).toBeLessThan(300);
  });
});
