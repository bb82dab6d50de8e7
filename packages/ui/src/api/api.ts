/**
 * How the page talks to its controller: REST calls in the shapes of the contract, the live socket, and the hooks that
 * components use. May import texts, formats and shared types; shows nothing and knows no component.
 */
import type {
  AccessRule,
  ActionRow,
  AuditPage,
  AuditQuery,
  AuditState,
  AuditWhy,
  InventoryChangePage,
  InventoryReply,
  InviteAccept,
  InviteMade,
  InviteRequest,
  InviteState,
  JoinTokenCreated,
  JoinTokenRequest,
  JoinTokenRow,
  Me,
  MetricQuery,
  MetricReply,
  NodeDetail,
  NodePage,
  NodePatch,
  NodeQuery,
  Offboarded,
  PasskeyAdd,
  PasskeyRow,
  PasswordSignIn,
  PersonRow,
  RecoveryCodes,
  RoleRow,
  RunDetail,
  RunPage,
  RunQuery,
  RunRequest,
  SeriesRow,
  SessionPage,
  SessionQuery,
  SessionRow,
  SetupRequest,
  SetupState,
  ShellOpened,
  ShellRequest,
  SignInRow,
  SocketTicket,
  TokenCreated,
  TokenRequest,
  TokenRow,
  TotpOffered,
} from '@hauban/shared/api';
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/browser';
import { banCalls } from './ban-calls.ts';
import { poolCalls } from './pool-calls.ts';
import { path, type Request, type QueryValue } from './request.ts';
import { runCalls } from './run-calls.ts';
import { timeCalls } from './time-calls.ts';
import { signOnCalls } from './sign-on-calls.ts';
import { trustCalls } from './trust-calls.ts';

/** Queries are flat records of plain values; the schemas say which. */
type Query = Readonly<Record<string, QueryValue>>;

/** Every REST call that the page makes, one line each, in the shapes of `@hauban/shared/api`. */
export function createApi(request: Request) {
  const get = <T>(url: string, query: Query = {}, signal?: AbortSignal): Promise<T> =>
    request<T>('GET', url, signal === undefined ? { query } : { query, signal });
  const post = <T>(url: string, body: unknown = {}): Promise<T> => request<T>('POST', url, { body });
  const put = <T>(url: string, body: unknown): Promise<T> => request<T>('PUT', url, { body });
  const remove = <T = unknown>(url: string, query: Query = {}): Promise<T> => request<T>('DELETE', url, { query });
  return {
    setupState: () => get<SetupState>(path('setup')),
    setupPasskeyOptions: (token: string, name: string) =>
      post<PublicKeyCredentialCreationOptionsJSON>(path('setup', 'passkey-options'), { token, name }),
    setUp: (body: SetupRequest) => post<unknown>(path('setup'), body),
    signIn: (body: PasswordSignIn) => post<unknown>(path('sign-in'), body),
    passkeyOptions: () => post<PublicKeyCredentialRequestOptionsJSON>(path('sign-in', 'passkey-options')),
    signInWithPasskey: (passkey: unknown) => post<unknown>(path('sign-in', 'passkey'), { passkey }),
    signOut: () => post<unknown>(path('sign-out')),
    me: () => get<Me>(path('me')),
    socketTicket: () => post<SocketTicket>(path('socket-tickets')),

    nodes: (query: NodeQuery, signal?: AbortSignal) => get<NodePage>(path('nodes'), query, signal),
    node: (id: string) => get<NodeDetail>(path('nodes', id)),
    patchNode: (id: string, body: NodePatch) => request<unknown>('PATCH', path('nodes', id), { body }),
    revokeNode: (id: string, reason: string) => post<NodeDetail>(path('nodes', id, 'revoke'), { reason }),
    reenrolNode: (id: string) => post<JoinTokenCreated>(path('nodes', id, 're-enrol')),
    removeNode: (id: string) => remove(path('nodes', id)),
    series: (id: string) => get<SeriesRow[]>(path('nodes', id, 'series')),
    metrics: (id: string, query: MetricQuery, signal?: AbortSignal) =>
      get<MetricReply>(path('nodes', id, 'metrics'), query, signal),
    inventory: (id: string) => get<InventoryReply>(path('nodes', id, 'inventory')),
    inventoryChanges: (id: string, cursor?: string) =>
      get<InventoryChangePage>(path('nodes', id, 'inventory', 'changes'), { cursor }),
    joinTokens: () => get<JoinTokenRow[]>(path('join-tokens')),
    makeJoinToken: (body: JoinTokenRequest) => post<JoinTokenCreated>(path('join-tokens'), body),
    deleteJoinToken: (id: string) => remove(path('join-tokens', id)),

    actions: () => get<ActionRow[]>(path('actions')),
    startRun: (body: RunRequest) => post<RunDetail>(path('runs'), body),
    runs: (query: RunQuery) => get<RunPage>(path('runs'), query),
    run: (id: string) => get<RunDetail>(path('runs', id)),
    ...{ ...runCalls({ get, post }), ...timeCalls({ get, post, remove }) },

    openShell: (nodeId: string, body: ShellRequest) => post<ShellOpened>(path('nodes', nodeId, 'shells'), body),
    shells: (query: SessionQuery) => get<SessionPage>(path('shells'), query),
    recordings: (query: SessionQuery) => get<SessionPage>(path('recordings'), query),
    /** A shell and how far its recording has come. */
    session: (id: string) => get<SessionRow>(path('shells', id)),
    cast: (id: string) => request<string>('GET', castPath(id), { as: 'text' }),

    audit: (query: AuditQuery) => get<AuditPage>(path('audit'), query),
    auditState: () => get<AuditState>(path('audit', 'state')),
    auditWhy: (seq: number) => get<AuditWhy>(path('audit', String(seq), 'why')),
    acknowledgeFinding: (id: string) => post<unknown>(path('audit', 'findings', id, 'acknowledge')),
    tokens: () => get<TokenRow[]>(path('tokens')),
    makeToken: (body: TokenRequest) => post<TokenCreated>(path('tokens'), body),
    deleteToken: (id: string) => remove(path('tokens', id)),
    mySessions: () => get<SignInRow[]>(path('me', 'sessions')),
    endMySession: (id: string) => remove(path('me', 'sessions', id)),
    offerTotp: () => post<TotpOffered>(path('me', 'totp')),
    confirmTotp: (code: string) => post<RecoveryCodes>(path('me', 'totp', 'confirm'), { code }),
    removeTotp: (code: string) => post<unknown>(path('me', 'totp', 'remove'), { code }),
    myPasskeys: () => get<PasskeyRow[]>(path('me', 'passkeys')),
    myPasskeyOptions: () => post<PublicKeyCredentialCreationOptionsJSON>(path('me', 'passkeys', 'options')),
    addPasskey: (body: PasskeyAdd) => post<unknown>(path('me', 'passkeys'), body),
    deletePasskey: (id: string) => remove(path('me', 'passkeys', id)),

    people: () => get<PersonRow[]>(path('people')),
    roles: () => get<RoleRow[]>(path('roles')),
    putRole: (name: string, rules: readonly AccessRule[]) => put<unknown>(path('roles', name), { rules }),
    deleteRole: (name: string) => remove(path('roles', name)),
    invite: (body: InviteRequest) => post<InviteMade>(path('people'), body),
    inviteAgain: (id: string) => post<InviteMade>(path('people', id, 'invite')),
    setRole: (id: string, role: string) => request<unknown>('PATCH', path('people', id), { body: { role } }),
    personSessions: (id: string) => get<SignInRow[]>(path('people', id, 'sessions')),
    endPersonSession: (id: string, session: string) => remove(path('people', id, 'sessions', session)),
    personTokens: (id: string) => get<TokenRow[]>(path('people', id, 'tokens')),
    deletePersonToken: (id: string, token: string) => remove(path('people', id, 'tokens', token)),
    offboard: (id: string) => post<Offboarded>(path('people', id, 'offboard')),
    inviteState: (token: string) => post<InviteState>(path('invite'), { token }),
    invitePasskeyOptions: (token: string) =>
      post<PublicKeyCredentialCreationOptionsJSON>(path('invite', 'passkey-options'), { token }),
    acceptInvite: (body: InviteAccept) => post<unknown>(path('invite', 'accept'), body),
    approveCli: (userCode: string) => post<unknown>(path('cli-sign-in', 'approve'), { userCode }),
    ...{ ...poolCalls({ get, post, put, remove }), ...banCalls({ get, post, put, remove }) },
    ...trustCalls({ get, post }),
    ...signOnCalls({ get, post }),
  };
}

export type Api = ReturnType<typeof createApi>;

/** Where a recording is downloaded from; also the href of the download link. */
export const castPath = (id: string): string => path('recordings', id, 'cast');

/** Where the whole audit log is downloaded from. */
export const auditExportPath = path('audit', 'export');
