import type { CliSignInPolled, CliSignInStarted } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock, Random } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import { hashSecret, makeSecret } from './secret.ts';
import type { TokensRepository } from './tokens.repository.ts';
import type { Owner, TokensService } from './tokens.service.ts';

export interface CliSignInParts {
  readonly repository: TokensRepository;
  readonly tokens: TokensService;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly random: Random;
  readonly publicUrl: URL;
}

export type CliSignInService = ReturnType<typeof createCliSignInService>;

const TOKEN_DAYS = 30;
const WAIT_MS = 10 * 60_000;
const POLL_MS = 2_000;
/** No letters that look like others, no vowels: 8 of 20 are 34 bits, and one wait lives 10 minutes behind a rate limit. */
const CODE_LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';

/** The sign-in of a command line, as OAuth's device flow (RFC 8628): begin, a person approves in the page, poll. */
export function createCliSignInService(parts: CliSignInParts) {
  const { repository, tokens, audit, transaction, clock, random, publicUrl } = parts;

  const makeUserCode = (): string => {
    const letter = (): string => CODE_LETTERS.charAt(Math.floor(random.unit() * CODE_LETTERS.length));
    const letters = Array.from({ length: 8 }, letter).join('');
    return `${letters.slice(0, 4)}-${letters.slice(4)}`;
  };

  return {
    begin: async (): Promise<CliSignInStarted> => {
      const device = makeSecret(random);
      const userCode = makeUserCode();
      const now = clock.nowMs();
      const expiresAt = now + WAIT_MS;
      await repository.beginCli({ deviceHash: device.hash, userCode, createdAt: now, expiresAt });
      const verifyUrl = new URL(`/cli?code=${userCode}`, publicUrl).toString();
      return { deviceCode: device.text, userCode, verifyUrl, intervalMs: POLL_MS, expiresAt };
    },
    approve: async (userCode: string, owner: Owner): Promise<void> =>
      transaction(async (tx) => {
        const plain = userCode.trim().toUpperCase();
        const by = { personId: owner.personId, now: clock.nowMs() };
        if (!(await repository.approveCli(tx, plain, by))) {
          throw new HaubanError('NOT_FOUND', 'No command line waits with this code; it may have expired.');
        }
        audit.record(tx, { code: 'A1022I', who: owner.name, address: owner.address, detail: { userCode: plain } });
      }),
    /** Gives the token once; a code that is unknown, used or expired is refused. */
    poll: async (deviceCode: string): Promise<CliSignInPolled> =>
      transaction(async (tx) => {
        const deviceHash = hashSecret(deviceCode);
        const found = await repository.findCli(tx, deviceHash, clock.nowMs());
        if (found === null) {
          throw new HaubanError('SIGN_IN_REFUSED', 'This sign-in is unknown or has expired; begin again.');
        }
        if (found.person === null) return { state: 'pending' as const };
        if (found.person.leftAt !== null) throw new HaubanError('SIGN_IN_REFUSED', 'This account has been closed.');
        await repository.endCli(tx, deviceHash);
        const { id, name } = found.person;
        const made = await tokens.add(tx, {
          personId: id,
          name: 'command line',
          madeBy: 'cli',
          days: TOKEN_DAYS,
          scope: null,
        });
        audit.record(tx, { code: 'A1020I', who: name, detail: { id: made.id, name: 'command line' } });
        return { state: 'approved' as const, token: made.secret, name };
      }),
  };
}
