import { HaubanError } from '@hauban/shared/errors';
import type { Clock, Random } from '@hauban/shared/time';
import { attemptSecrets } from './oidc-attempt.ts';
import type { OidcProvider } from './oidc-provider.ts';
import type { OidcRepository, SignOnRow } from './oidc.repository.ts';
import { hashSecret, makeSecret } from './secret.ts';

export interface AttemptsParts {
  readonly providers: readonly OidcProvider[];
  readonly repository: OidcRepository;
  readonly clock: Clock;
  readonly random: Random;
}

export type AttemptsService = ReturnType<typeof createAttempts>;

/** An attempt that was begun: the secret goes into the browser's cookie and is not kept. */
export interface Begun {
  readonly url: string;
  readonly browser: string;
  readonly maxAgeMs: number;
}

/** A person may have to find a telephone; an attempt that is older is begun again. */
const ATTEMPT_MS = 10 * 60_000;

/** Sign-ons under way: begun in one browser, taken once. */
export function createAttempts({ providers, repository, clock, random }: AttemptsParts) {
  const known = new Map(providers.map((provider) => [provider.settings.id, provider]));

  const needProvider = (id: string): OidcProvider => {
    const found = known.get(id);
    if (found === undefined) throw new HaubanError('NOT_FOUND', 'This controller knows no such sign-on provider.');
    return found;
  };

  return {
    needProvider,

    begin: async (
      about: Pick<SignOnRow, 'provider' | 'returnTo' | 'purpose' | 'personId' | 'sessionHash' | 'inviteHash'>,
    ): Promise<Begun> => {
      const provider = needProvider(about.provider);
      const secret = makeSecret(random);
      const url = await provider.begin(attemptSecrets(secret.text));
      const now = clock.nowMs();
      await repository.addAttempt({ ...about, browserHash: secret.hash, expiresAt: now + ATTEMPT_MS }, now);
      return { url: url.href, browser: secret.text, maxAgeMs: ATTEMPT_MS };
    },

    /** The attempt of this browser, used up by it; null when there is none, it was used or is too old. */
    take: async (browser: string): Promise<SignOnRow | null> =>
      repository.takeAttempt(hashSecret(browser), clock.nowMs()),
  };
}
