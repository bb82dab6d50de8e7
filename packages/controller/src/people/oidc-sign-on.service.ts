import type { SignOnBegin, SignOnFinish, SignOnProviderList } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { InvitesRepository } from './invites.repository.ts';
import {
  SIGN_ON_SESSION_MS,
  type Arrival,
  type ArrivalRefusal,
  type ArrivalsService,
} from './oidc-arrivals.service.ts';
import { attemptSecrets, ownPath } from './oidc-attempt.ts';
import type { AttemptsService, Begun } from './oidc-attempts.service.ts';
import type { Linked, LinksService, Vouched } from './oidc-links.service.ts';
import type { OidcProvider } from './oidc-provider.ts';
import type { SignOnRow } from './oidc.repository.ts';
import type { From, PeopleService } from './people.service.ts';
import { hashSecret } from './secret.ts';
import type { Owner } from './tokens.service.ts';

export interface SignOnParts {
  readonly providers: readonly OidcProvider[];
  readonly attempts: AttemptsService;
  readonly invites: InvitesRepository;
  readonly people: PeopleService;
  readonly arrivals: ArrivalsService;
  readonly links: LinksService;
  readonly audit: AuditService;
  readonly clock: Clock;
}

export type SignOnService = ReturnType<typeof createSignOnService>;

/** What a browser brings back. */
export interface Brought extends SignOnFinish {
  /** The cookie of the attempt. */
  readonly browser: string | null;
  /** The session, where the browser has one. */
  readonly session: string | null;
}

/** Where to go; a session when somebody was signed in by it. */
export interface SignOnEnd {
  readonly returnTo: string;
  readonly opened: { readonly token: string; readonly maxAgeMs: number } | null;
}

type Refusal = ArrivalRefusal | 'attempt' | 'provider' | 'session' | 'invitation' | 'linked-already';

/** How an attempt ended. */
type Conclusion = Arrival | Linked | { readonly kind: 'refused'; readonly why: 'session'; readonly who: null };

const LINKED_AT = '/account';
const NOBODY = { purpose: 'sign-in', personId: null, sessionHash: null, inviteHash: null } as const;

const SAYS: Readonly<Record<Refusal, string>> = {
  attempt: 'This sign-on was not begun in this browser, was used, or took too long; begin again at the sign-in page.',
  provider: 'This answer is for a sign-on at another provider; begin again at the sign-in page.',
  session: 'The session that asked for this link has ended or is another; sign in and link again.',
  invitation: 'This invitation is wrong, used or too old; ask an owner for a new one.',
  'linked-already': 'This identity signs somebody in already; unlink it there first.',
  'unknown-person':
    'Nobody here has linked this identity. Sign in another way and link it on your account page, or ask an owner for an invitation.',
  left: 'This account has been closed.',
  'no-role': 'Your provider gives you no role here; ask those who run it to put you into the right group.',
  'no-name': 'Your provider gives no login name that can be used here; ask an owner for an invitation.',
  'name-taken':
    'Your login name is taken here. If it is you, sign in another way and link this identity on your account page.',
};

/** An answer of one provider is worth nothing in an attempt at another (mix-up, RFC 9700 4.4). */
const isSameProvider = (attempt: Pick<SignOnRow, 'provider'>, brought: Pick<Brought, 'provider'>): boolean =>
  attempt.provider === brought.provider;

/** A link is ended by the session that began it. */
const isSameSession = (attempt: Pick<SignOnRow, 'sessionHash'>, session: string | null): boolean =>
  session !== null && attempt.sessionHash === hashSecret(session);

/** Signing in by the word of an identity provider: an attempt is begun, bound to its browser, and ended once. */
export function createSignOnService(parts: SignOnParts) {
  const { attempts, invites, people, arrivals, links, audit, clock } = parts;

  const refuse = async (
    why: Refusal,
    about: { readonly who: string | null; readonly provider: string; readonly from: From },
  ): Promise<never> => {
    const { who, provider, from } = about;
    const row = { who: who ?? `(${provider})`, address: from.address, detail: { provider, why } };
    await audit.recordAlone({ code: 'A1062W', ...row });
    throw new HaubanError('SIGN_ON_REFUSED', SAYS[why]);
  };

  /** The attempt of this browser: taken, whatever comes of it. */
  const takeAttempt = async (brought: Brought, from: From): Promise<{ attempt: SignOnRow; browser: string }> => {
    const { browser, provider } = brought;
    const about = { who: null, provider, from };
    const attempt = browser === null ? null : await attempts.take(browser);
    if (browser === null || attempt === null) return refuse('attempt', about);
    if (!isSameProvider(attempt, brought)) return refuse('provider', about);
    return { attempt, browser };
  };

  const askProvider = async (provider: OidcProvider, query: string, by: { browser: string; from: From }) => {
    try {
      return await provider.finish(query, attemptSecrets(by.browser));
    } catch (error) {
      if (error instanceof HaubanError && error.code === 'SIGN_ON_REFUSED') {
        const detail = { provider: provider.settings.id, why: 'answer' };
        const row = { who: `(${provider.settings.id})`, address: by.from.address, detail };
        await audit.recordAlone({ code: 'A1062W', ...row });
      }
      throw error;
    }
  };

  /** What the attempt was begun for, now that the provider has vouched. */
  const conclude = async (attempt: SignOnRow, vouched: Vouched, session: string | null): Promise<Conclusion> => {
    switch (attempt.purpose) {
      case 'sign-in':
        return arrivals.arrive(vouched.claims, vouched.provider, vouched.from);
      case 'invite':
        return links.byInvitation(attempt, vouched);
      case 'link': {
        const live = session === null ? null : await people.findSession(session);
        const isTheirs = live !== null && live.person.id === attempt.personId && isSameSession(attempt, session);
        return isTheirs ? links.bySession(attempt, vouched) : { kind: 'refused', why: 'session', who: null };
      }
    }
  };

  return {
    list: (): SignOnProviderList => parts.providers.map(({ settings: { id, name } }) => ({ id, name })),

    /** For somebody who is not signed in: to sign in, or to use an invitation up. */
    begin: async ({ provider, returnTo, invite }: SignOnBegin): Promise<Begun> => {
      const about = { ...NOBODY, provider, returnTo: ownPath(returnTo) };
      if (invite === undefined) return attempts.begin(about);
      const inviteHash = hashSecret(invite);
      const person = await invites.find(inviteHash, clock.nowMs());
      if (person === null) throw new HaubanError('SETUP_TOKEN_REFUSED', SAYS.invitation);
      return attempts.begin({ ...about, purpose: 'invite', personId: person.id, inviteHash });
    },

    /** For a person who is signed in and has just proven it again. */
    beginLink: async (provider: string, { personId }: Owner, sessionHash: string): Promise<Begun> =>
      attempts.begin({ ...NOBODY, provider, returnTo: LINKED_AT, purpose: 'link', personId, sessionHash }),

    /** SIGN_ON_REFUSED with one sentence, or SIGN_ON_DOWN; each is written down. */
    finish: async (brought: Brought, from: From): Promise<SignOnEnd> => {
      const { attempt, browser } = await takeAttempt(brought, from);
      const provider = attempts.needProvider(attempt.provider);
      const claims = await askProvider(provider, brought.query, { browser, from });
      const end = await conclude(attempt, { claims, provider: provider.settings, from }, brought.session);
      if (end.kind === 'refused') {
        const who = 'who' in end ? end.who : null;
        return refuse(end.why, { who, provider: attempt.provider, from });
      }
      const opened = end.token === null ? null : { token: end.token, maxAgeMs: SIGN_ON_SESSION_MS };
      return { returnTo: attempt.returnTo, opened };
    },
  };
}
