import type { Clock, Random } from '@hauban/shared/time';
import type { AuditService } from './audit/audit.service.ts';
import type { Database } from './db/index.ts';
import { allowedOrigins } from './http/index.ts';
import { createChallenges } from './people/challenges.service.ts';
import { createCliSignInService } from './people/cli-sign-in.service.ts';
import { createDirectoryService } from './people/directory.service.ts';
import { createInvitesRepository } from './people/invites.repository.ts';
import { createInvitesService } from './people/invites.service.ts';
import { endApprovals } from './people/leaver.repository.ts';
import { createOffboardService, type OffboardParts } from './people/offboard.service.ts';
import { createOwnPasskeysService } from './people/own-passkeys.service.ts';
import { passkeySite } from './people/passkeys.ts';
import { createPeopleRepository } from './people/people.repository.ts';
import { createPeopleService } from './people/people.service.ts';
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

/** Accounts, sessions, tokens. The set-up link is also made by a command, without the rest of the controller. */
export function createPeople(shared: Shared, database: Database, publicUrl: URL) {
  const { clock } = shared;
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
  const secondFactors = createSecondFactorRepository();
  const mayTry = (personId: string) => {
    const now = clock.nowMs();
    return repository.beginAttempt(personId, { now, lockedUntil: lockedUntilOf(now) });
  };
  const secondFactor = createSecondFactorService({
    ...shared,
    repository: secondFactors,
    peopleRepository: repository,
    mayTry,
  });
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
  const ownPasskeys = createOwnPasskeysService({ ...shared, repository, challenges });
  /** Needs what other features hold of a person. */
  const offboardingWith = (needs: Pick<OffboardParts, 'runs' | 'shells' | 'onLeft'>) =>
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
  return {
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
    offboardingWith,
  };
}
