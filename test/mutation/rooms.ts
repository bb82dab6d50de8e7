/**
 * Where the security checks live. These are rooms, not checks: what counts as a check inside is found by
 * `scan-checks.ts`, so a new refusal in one of these folders is on the list without anybody's help.
 */
export interface Room {
  readonly name: string;
  /** Folders (with a slash at the end) and files, relative to the root. */
  readonly paths: readonly string[];
}

const agent = 'packages/agent/src/';
const controller = 'packages/controller/src/';
const shared = 'packages/shared/src/';

export const ROOMS: readonly Room[] = [
  { name: 'link', paths: ['packages/link/src/'] },
  { name: 'executor', paths: [`${agent}executor/`, `${agent}trust/`] },
  {
    name: 'agent',
    paths: [
      `${agent}enrol/`,
      `${agent}store/enrolment-files.ts`,
      `${agent}store/trust-file.ts`,
      `${agent}link/join-ledger.ts`,
      `${agent}link/key-rotation.ts`,
      `${agent}link/controller-url.ts`,
      `${agent}shell/shell-options.ts`,
    ],
  },
  {
    name: 'host',
    paths: [
      ...['safe-path', 'safe-files', 'never-ban', 'run-program', 'accounts'],
      ...['check-word', 'listed-programs', 'accounts/user-entries'],
    ].map((name) => `${agent}host/${name}.ts`),
  },
  { name: 'signer', paths: [`${controller}signer/`] },
  { name: 'trust', paths: [`${controller}trust/`] },
  { name: 'authorization', paths: [`${controller}authorization/`] },
  { name: 'http', paths: [`${controller}http/`] },
  { name: 'people', paths: [`${controller}people/`] },
  { name: 'nodes', paths: [`${controller}enrolment/`, `${controller}nodes/`] },
  { name: 'gateway', paths: [`${controller}gateway/`, `${controller}live/topic-gate.ts`] },
  { name: 'audit', paths: [`${controller}audit/`, `${shared}audit/`] },
  { name: 'shells', paths: [`${controller}shells/`, `${controller}recordings/`, `${shared}recording/`] },
  { name: 'runs', paths: [`${controller}runs/`, `${controller}actions/`] },
  { name: 'webhooks', paths: ['receiver-address', 'send-webhook'].map((name) => `${controller}webhooks/${name}.ts`) },
  { name: 'protocol', paths: [`${shared}protocol/`] },
  { name: 'policy', paths: [`${shared}policy/`] },
  {
    name: 'arguments',
    paths: ['params', 'parse-arguments', 'address', 'hosting-layout', 'protection/ban-plan'].map(
      (name) => `${shared}actions/${name}.ts`,
    ),
  },
];

/** The room of a source file; null for tests and for what lies elsewhere. */
export function roomOf(path: string): string | null {
  if (!path.endsWith('.ts') || path.endsWith('.test.ts') || path.endsWith('.d.ts')) return null;
  const room = ROOMS.find(({ paths }) => paths.some((at) => (at.endsWith('/') ? path.startsWith(at) : path === at)));
  return room?.name ?? null;
}
