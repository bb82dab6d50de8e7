import {
  InviteMade,
  InviteRequest,
  NoContent,
  Offboarded,
  PersonList,
  PersonPatch,
  RoleBody,
  RoleList,
  RoleName,
  SignInList,
  TokenList,
  Uuid,
} from '@hauban/shared/api';
import Type from 'typebox';
import { actorOf, needSession, type HttpApp } from '../http/index.ts';
import type { DirectoryService } from './directory.service.ts';
import type { InvitesService } from './invites.service.ts';
import type { OffboardService } from './offboard.service.ts';
import type { PeopleService } from './people.service.ts';
import type { RolesService } from './roles.service.ts';
import type { TokensService } from './tokens.service.ts';

export interface DirectoryRouteParts {
  readonly directory: DirectoryService;
  readonly roles: RolesService;
  readonly invites: InvitesService;
  readonly people: PeopleService;
  readonly tokens: TokensService;
  readonly offboarding: OffboardService;
  /** Somebody's rights have changed (null: perhaps everybody's): what is remembered or open by the old ones ends. */
  readonly onRightsChanged: (personId: string | null) => void;
  readonly onSignedOut: (sessionHash: string) => void;
  readonly onTokenDeleted: (id: string) => void;
}

const Empty = Type.Object({}, { additionalProperties: false });
const PersonParams = Type.Object({ personId: Uuid });
const SessionParams = Type.Object({ personId: Uuid, id: Type.String({ pattern: '^[0-9a-f]{64}$' }) });
const TokenParams = Type.Object({ personId: Uuid, id: Uuid });
const RoleParams = Type.Object({ role: RoleName });
const tags = ['people'];
/** Who comes in, and as what, is for those who own the controller. */
const config = { access: 'owner', needs: { right: 'admin', on: 'fleet' } } as const;

/** People, their roles, and their ways in, for owners. */
export function directoryRoutes(app: HttpApp, parts: DirectoryRouteParts): void {
  personRoutes(app, parts);
  credentialRoutes(app, parts);
  roleRoutes(app, parts);
}

function personRoutes(app: HttpApp, parts: DirectoryRouteParts): void {
  const { directory, invites, offboarding, onRightsChanged } = parts;
  app.get(
    '/api/people',
    { config, schema: { summary: 'People who are here', tags, response: { 200: PersonList } } },
    async () => directory.list(),
  );
  app.post(
    '/api/people',
    {
      config,
      schema: {
        summary: 'Invite a person; the link is shown once',
        tags,
        body: InviteRequest,
        response: { 200: InviteMade },
      },
    },
    async (request) => {
      needSession(request);
      return invites.invite(request.body, actorOf(request));
    },
  );
  app.post(
    '/api/people/:personId/invite',
    {
      config,
      schema: {
        summary: 'Another link, for somebody who cannot sign in any more',
        tags,
        params: PersonParams,
        body: Empty,
        response: { 200: InviteMade },
      },
    },
    async (request) => {
      needSession(request);
      return invites.again(request.params.personId, actorOf(request));
    },
  );
  app.patch(
    '/api/people/:personId',
    {
      config,
      schema: {
        summary: 'Give another role',
        tags,
        params: PersonParams,
        body: PersonPatch,
        response: { 200: NoContent },
      },
    },
    async (request) => {
      needSession(request);
      const { personId } = request.params;
      await directory.setRole(personId, request.body.role, actorOf(request));
      onRightsChanged(personId);
      return {};
    },
  );
  app.post(
    '/api/people/:personId/offboard',
    {
      config,
      schema: {
        summary: 'End everything that this person can act by, and say what that was',
        tags,
        params: PersonParams,
        body: Empty,
        response: { 200: Offboarded },
      },
    },
    async (request) => offboarding.offboard(request.params.personId, actorOf(request)),
  );
}

function credentialRoutes(
  app: HttpApp,
  { directory, people, tokens, onSignedOut, onTokenDeleted }: DirectoryRouteParts,
): void {
  app.get(
    '/api/people/:personId/sessions',
    { config, schema: { summary: 'Sessions of a person', tags, params: PersonParams, response: { 200: SignInList } } },
    async (request) => people.sessionsOf((await directory.need(request.params.personId)).id, null),
  );
  app.delete(
    '/api/people/:personId/sessions/:id',
    { config, schema: { summary: 'End a session', tags, params: SessionParams, response: { 200: NoContent } } },
    async (request) => {
      const { personId, id } = request.params;
      await people.endSession(personId, id, actorOf(request));
      onSignedOut(id);
      return {};
    },
  );
  app.get(
    '/api/people/:personId/tokens',
    { config, schema: { summary: 'API tokens of a person', tags, params: PersonParams, response: { 200: TokenList } } },
    async (request) => tokens.list((await directory.need(request.params.personId)).id),
  );
  app.delete(
    '/api/people/:personId/tokens/:id',
    { config, schema: { summary: 'Delete an API token', tags, params: TokenParams, response: { 200: NoContent } } },
    async (request) => {
      const { personId, id } = request.params;
      await tokens.remove(id, actorOf(request), personId);
      onTokenDeleted(id);
      return {};
    },
  );
}

function roleRoutes(app: HttpApp, { roles, onRightsChanged }: DirectoryRouteParts): void {
  app.get(
    '/api/roles',
    { config, schema: { summary: 'Roles and their rules', tags, response: { 200: RoleList } } },
    async () => roles.list(),
  );
  app.put(
    '/api/roles/:role',
    {
      config,
      schema: {
        summary: 'Make or change a role',
        tags,
        params: RoleParams,
        body: RoleBody,
        response: { 200: NoContent },
      },
    },
    async (request) => {
      needSession(request);
      await roles.put(request.params.role, request.body.rules, actorOf(request));
      onRightsChanged(null);
      return {};
    },
  );
  app.delete(
    '/api/roles/:role',
    {
      config,
      schema: { summary: 'Delete a role that nobody has', tags, params: RoleParams, response: { 200: NoContent } },
    },
    async (request) => {
      needSession(request);
      await roles.remove(request.params.role, actorOf(request));
      onRightsChanged(null);
      return {};
    },
  );
}
