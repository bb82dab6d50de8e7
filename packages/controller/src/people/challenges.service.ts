import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { claimedChallenge, type PasskeySite } from './passkeys.ts';
import type { ChallengeRow, SetupRepository } from './setup.repository.ts';

/** Challenges that a passkey answers: given for one purpose, good for five minutes, taken once. */
export interface Challenges {
  /** Passkeys work here; BAD_REQUEST otherwise. */
  needSite(): PasskeySite;
  give(challenge: Omit<ChallengeRow, 'expiresAt'>): Promise<void>;
  /** The challenge that this answer says it is for; null when it was not given for that, is used or too old. */
  take(answer: unknown, purpose: ChallengeRow['purpose']): Promise<ChallengeRow | null>;
}

const LIFETIME_MS = 5 * 60_000;

export function createChallenges(repository: SetupRepository, site: PasskeySite | null, clock: Clock): Challenges {
  return {
    needSite: () => {
      if (site === null) {
        throw new HaubanError('BAD_REQUEST', 'Passkeys need https or localhost; this address has neither.');
      }
      return site;
    },
    give: async (challenge) => {
      const now = clock.nowMs();
      await repository.addChallenge({ ...challenge, expiresAt: now + LIFETIME_MS }, now);
    },
    take: async (answer, purpose) => {
      const challenge = claimedChallenge(answer);
      return challenge === null ? null : repository.takeChallenge(challenge, purpose, clock.nowMs());
    },
  };
}
