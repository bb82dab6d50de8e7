import { randomBytes, randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { formatJoinToken, parseJoinToken } from './join-token.ts';

const token = {
  tokenId: randomUUID(),
  secret: randomBytes(32).toString('base64url'),
  thumbprint: randomBytes(32).toString('base64url'),
};

it('a join token survives its text form, with white space around it', () => {
  expect(parseJoinToken(` ${formatJoinToken(token)}\n`)).toEqual({ ok: true, value: token });
});

it.each([
  '',
  'hbj1',
  formatJoinToken(token).replace('hbj1', 'hbj2'),
  `${formatJoinToken(token)}.more`,
  formatJoinToken(token).slice(0, -1),
  formatJoinToken({ ...token, tokenId: '../../x' }),
])('a damaged join token is refused without quoting it: %#', (text) => {
  const parsed = parseJoinToken(text);
  expect(parsed.ok).toBe(false);
  expect(JSON.stringify(parsed)).not.toContain(token.secret);
});
