import { describe, expect, it } from 'vitest';
import { matcher, parseQueueLine, QUEUE_ID } from './mail-queue.ts';
import { checkAddress, mailboxLine, parseMailboxLine, withLine } from './mailbox-lists.ts';

const HASH = `{SHA512-CRYPT}$6$saltsalt$${'a'.repeat(86)}`;
const STATE = { passwordHash: HASH, quotaMiB: 10, suspended: false };

describe('the line of a mailbox', () => {
  it('is read as it was written', () => {
    const line = mailboxLine('jo@a.example', STATE);
    expect(line).toBe(`jo@a.example:${HASH}::::::userdb_quota_rule=*:storage=10M`);
    expect(parseMailboxLine(line, false)).toEqual(STATE);
    expect(parseMailboxLine('jo@a.example:{PLAIN}x::::::', true)).toMatchObject({ passwordHash: 'unknown' });
  });

  it.each([
    'a\nb@a.example',
    'a:b@a.example',
    '../b@a.example',
    'a/b@a.example',
    'a@a.example/..',
    'a@a',
    '@a.example',
    'a@b@c.example',
    'A@a.example',
    '',
  ])('is not made of the address %j', (address) => {
    expect(() => checkAddress(address)).toThrow();
    expect(() => mailboxLine(address, STATE)).toThrow();
  });

  it.each([`${HASH}\nboss@a.example:{PLAIN}x`, `${HASH}:0:0`, '{PLAIN}x', 'x'])(
    'is not made of the hash %j',
    (passwordHash) => {
      expect(() => mailboxLine('jo@a.example', { ...STATE, passwordHash })).toThrow();
    },
  );

  it.each([0, -1, 1.5, Number.NaN, 2_000_000])('is not made of the quota %j', (quotaMiB) => {
    expect(() => mailboxLine('jo@a.example', { ...STATE, quotaMiB })).toThrow();
  });
});

describe('the list of mailboxes', () => {
  const lines = ['# by hand', 'anna@a.example:1', 'jo@a.example:2', 'zoe@a.example:3'];

  it('has each line where it was when it is taken out and put back', () => {
    for (const address of ['anna@a.example', 'jo@a.example', 'zoe@a.example']) {
      const line = lines.find((entry) => entry.startsWith(address)) ?? null;
      expect(withLine(withLine(lines, address, null), address, line)).toEqual(lines);
    }
  });

  it('keeps the place of a line that changes, and the lines of others', () => {
    expect(withLine(lines, 'anna@a.example', 'anna@a.example:4')).toEqual([
      lines[0],
      'anna@a.example:4',
      ...lines.slice(2),
    ]);
    expect(withLine(['z@a.example:1', 'b@a.example:2'], 'z@a.example', 'z@a.example:3')).toEqual([
      'z@a.example:3',
      'b@a.example:2',
    ]);
  });
});

describe('a line of the queue', () => {
  const line = JSON.stringify({
    queue_name: 'hold',
    queue_id: '4ZbcdfghjkB',
    arrival_time: 1,
    message_size: 2,
    sender: 'Spam@Bad.example',
    recipients: [{ address: 'a@far.example' }, { address: 'b@near.example', delay_reason: 'no route' }],
  });
  const message = parseQueueLine(line)!;

  it('is a message; half a line, another object or an id that postsuper reads otherwise is none', () => {
    expect(message).toMatchObject({ id: '4ZbcdfghjkB', held: true, recipients: 2, reason: 'no route' });
    for (const other of ['', '{', '[]', 'null', '7', line.slice(0, 40), line.replace('4ZbcdfghjkB', 'ALL')])
      expect(parseQueueLine(other)).toBeNull();
    for (const id of ['ALL', '-', '-d', 'ABCD']) expect(QUEUE_ID.test(id)).toBe(false);
  });

  it('matches by text: a sender is no pattern, whatever it calls itself', () => {
    expect(matcher({ sender: 'spam@bad.example' })(message)).toBe(true);
    expect(matcher({ sender: '.*@bad.example' })(message)).toBe(false);
    expect(matcher({ senderDomain: 'bad.example' })(message)).toBe(true);
    expect(matcher({ senderDomain: 'd.example' })(message)).toBe(false);
    expect(matcher({ recipientDomain: 'near.example' })(message)).toBe(true);
    expect(matcher({ ids: ['4ZbcdfghjkC'] })(message)).toBe(false);
    expect(matcher({})(message)).toBe(true);
    const bomb = { ...message, sender: `${'a'.repeat(100_000)}!` };
    expect(matcher({ sender: '(a+)+$' })(bomb)).toBe(false);
  });
});
