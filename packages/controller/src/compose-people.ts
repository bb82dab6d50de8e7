import type { Clock, Random } from '@hauban/shared/time';
import type { AuditService } from './audit/audit.service.ts';
import type { Grant } from './authorization/index.ts';
import type { Database } from './db/index.ts';
import { allowedOrigins } from './http/index.ts';
import { createChallenges, type Challenges } from './people/challenges.service.ts';
import { createCliSignInService } from './people/cli-sign-in.service.ts';
import { createDirectoryService } from './people/directory.service.ts';
import { createInvitesRepository } from './people/invites.repository.ts';
import { createInvitesService } from './people/invites.service.ts';
import { endApprovals } from './people/leaver.repository.ts';
import { createOffboardService, type OffboardParts } from './people/offboard.service.ts';
import { createArrivalsService } from './people/oidc-arrivals.service.ts';
import { createAttempts } from './people/oidc-attempts.service.ts';
import { createGivenRoles } from './people/oidc-given-roles.service.ts';
import { createLinksService } from './people/oidc-links.service.ts';
import { createOidcProvider } from './people/oidc-provider.ts';
import type { ProviderSettings } from './people/oidc-settings.ts';
import { createSignOnService } from './people/oidc-sign-on.service.ts';
import { createOidcRepository } from './people/oidc.repository.ts';
import { createOwnPasskeysService } from './people/own-passkeys.service.ts';
import { passkeySite } from './people/passkeys.ts';
import { createPeopleRepository, type PeopleRepository } from './people/people.repository.ts';
import { createPeopleService } from './people/people.service.ts';
import { createReAuthentication } from './people/re-authentication.service.ts';
import { createRolesRepository } from './people/roles.repository.ts';
import { createRolesService } from './people/roles.service.ts';
import { createSecondFactorRepository } from './people/second-factor.repository.ts';
import { createSecondFactorService } from './people/second-factor.service.ts';
import { createSessionsRepository } from './people/sessions.repository.ts';
import { createSetupRepository } from './people/setup.repository.ts';
import { createSetupService } from './people/setup.service.ts';
import { createSignInService, lockedUntilOf } from './people/sign-in.service.ts';
import { createTokensRepository } from './people/tokens.repository.ts';
import { createTokensService } from './people/tokens.service.ts';
import { createTotpSeal, type TotpSeal } from './people/totp-seal.ts';
import type { RootLog } from './runtime/index.ts';

/** What every feature is built with. */
export interface Shared {
  readonly audit: AuditService;
  readonly transaction: Database['transaction'];
  readonly together: Database['together'];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RootLog;
}

/** Sign-on by identity providers, as the operator configured it. */
export interface SignOnOptions {
  readonly providers: readonly ProviderSettings[];
  /** After the commit: what is remembered or open by the old rights ends. Must not throw. */
  readonly onRightsChanged: (personId: string) => void;
}

/** What sign-ons need of the people that they sign in. */
type PeopleOfSignOn = Pick<Parameters<typeof createArrivalsService>[0], 'peopleRepository' | 'people'> &
  Pick<Parameters<typeof createGivenRoles>[0], 'sessions' | 'directory' | 'roles'> &
  Pick<Parameters<typeof createLinksService>[0], 'invites'>;

function createSignOn(
  shared: Shared,
  database: Database,
  publicUrl: URL,
  { providers, onRightsChanged, ...needs }: SignOnOptions & PeopleOfSignOn,
) {
  const repository = createOidcRepository(database);
  const onFault = (fault: object): void => shared.log.warn(fault, 'a sign-on provider was not believed');
  const givenRoles = createGivenRoles({ ...shared, ...needs, onRightsChanged });
  const arrivals = createArrivalsService({ ...shared, ...needs, repository, givenRoles });
  const links = createLinksService({ ...shared, ...needs, repository, arrivals });
  const known = providers.map((settings) => createOidcProvider({ settings, publicUrl, clock: shared.clock, onFault }));
  const attempts = createAttempts({ ...shared, providers: known, repository });
  const signOn = createSignOnService({ ...shared, ...needs, providers: known, attempts, arrivals, links });
  return { links, signOn };
}

/** Proofs beside the password and the passkey of a sign-in; wrong ones count against the account as wrong passwords do. */
function createProofs(shared: Shared, repository: PeopleRepository, challenges: Challenges, totpSeal: TotpSeal) {
  const { clock } = shared;
  const secondFactors = createSecondFactorRepository();
  const mayTry = (personId: string) => {
    const now = clock.nowMs();
    return repository.beginAttempt(personId, { now, lockedUntil: lockedUntilOf(now) });
  };
  const secondFactor = createSecondFactorService({
    ...shared,
    repository: secondFactors,
    peopleRepository: repository,
    totpSeal,
    mayTry,
  });
  const reAuthentication = createReAuthentication({ ...shared, repository, challenges, secondFactor, mayTry });
  return { secondFactors, secondFactor, reAuthentication };
}

/** Accounts, sessions, tokens. The set-up link is also made by a command, without the rest of the controller. */
export function createPeople(
  shared: Shared,
  database: Database,
  publicUrl: URL,
  options: SignOnOptions & { readonly totpSeal?: TotpSeal } = { providers: [], onRightsChanged: () => undefined },
) {
  const { clock } = shared;
  const totpSeal = options.totpSeal ?? createTotpSeal(null, shared.random);
  const site = passkeySite(publicUrl, allowedOrigins(publicUrl));
  const repository = createPeopleRepository(database);
  const setupRepository = createSetupRepository(database);
  const tokensRepository = createTokensRepository(database);
  const roles = createRolesService({ ...shared, repository: createRolesRepository(database) });
  const sessions = createSessionsRepository(database);
  const people = createPeopleService({ ...shared, repository, sessions, roles });
  const challenges = createChallenges(setupRepository, site, clock);
  const setup = createSetupService({
    ...shared,
    repository: setupRepository,
    peopleRepository: repository,
    people,
    challenges,
    arePasskeysOffered: site !== null,
  });
  const { secondFactors, secondFactor, reAuthentication } = createProofs(shared, repository, challenges, totpSeal);
  const signIn = createSignInService({ ...shared, repository, people, secondFactor, challenges });
  const tokens = createTokensService({ ...shared, repository: tokensRepository });
  const cliSignIn = createCliSignInService({ ...shared, repository: tokensRepository, tokens, publicUrl });
  const invitesRepository = createInvitesRepository(database);
  const directory = createDirectoryService({ ...shared, repository, roles });
  const invites = createInvitesService({
    ...shared,
    repository: invitesRepository,
    peopleRepository: repository,
    secondFactors,
    people,
    roles,
    challenges,
    arePasskeysOffered: site !== null,
    publicUrl,
  });
  const known = { peopleRepository: repository, sessions, people, roles, directory, invites: invitesRepository };
  const signOns = createSignOn(shared, database, publicUrl, { ...options, ...known });
  const ownPasskeys = createOwnPasskeysService({ ...shared, repository, challenges });
  /** Needs what other features hold of a person. */
  const offboardingWith = (needs: Pick<OffboardParts, 'runs' | 'shells' | 'onLeft' | 'leaveBundle'>) =>
    createOffboardService({
      ...shared,
      ...needs,
      repository,
      sessions,
      tokens: tokensRepository,
      invites: invitesRepository,
      secondFactors,
      directory,
      endApprovals,
    });
  /** What a person may do by the role that they have now; null: they have left. */
  const rightsOf = async (personId: string): Promise<Grant | null> => {
    const person = await repository.findPerson(personId);
    return person === null ? null : roles.grantOf(person, null);
  };
  return {
    rightsOf,
    secondFactor,
    people,
    setup,
    signIn,
    tokens,
    cliSignIn,
    roles,
    directory,
    invites,
    ownPasskeys,
    ...signOns,
    reAuthentication,
    offboardingWith,
  };
}
