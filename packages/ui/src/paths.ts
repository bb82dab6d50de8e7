/** Addresses of the pages. Ids come from the controller and are encoded like any foreign text. */
const segment = (text: string): string => encodeURIComponent(text);

/** Longer arguments are typed anew: an address has its limits. */
const ARGS_MAX = 2000;

function argsText(args: Readonly<Record<string, unknown>> = {}): string {
  const text = Object.keys(args).length === 0 ? '' : JSON.stringify(args);
  return text.length > ARGS_MAX ? '' : text;
}

function query(values: Readonly<Record<string, string>>): string {
  const parts = Object.entries(values).filter(([, value]) => value !== '');
  return parts.length === 0 ? '' : `?${parts.map(([name, value]) => `${name}=${segment(value)}`).join('&')}`;
}

export const paths = {
  fleet: '/',
  node: (id: string, tab?: string) => `/nodes/${segment(id)}${tab === undefined ? '' : `?tab=${segment(tab)}`}`,
  shell: (nodeId: string, sessionId?: string) =>
    `/nodes/${segment(nodeId)}/shell${sessionId === undefined ? '' : `?session=${segment(sessionId)}`}`,
  actions: '/actions',
  /** @param on a selector in place of nodes */
  runAction: (
    name: string,
    nodeIds: readonly string[] | string = [],
    args?: Readonly<Record<string, unknown>>,
    on = '',
  ) => `/run/${segment(name)}${query({ node: on === '' ? [nodeIds].flat().join(',') : '', on, args: argsText(args) })}`,
  runs: '/runs',
  run: (id: string) => `/runs/${segment(id)}`,
  schedules: '/schedules',
  windows: '/windows',
  webhooks: '/webhooks',
  pools: '/pools',
  pool: (id: string) => `/pools/${segment(id)}`,
  bans: '/bans',
  banLists: '/ban-lists',
  /** @param holds what it has about this address */
  banList: (id: string, holds = '') => `/ban-lists/${segment(id)}${query({ holds })}`,
  recordings: '/recordings',
  recording: (id: string) => `/recordings/${segment(id)}`,
  audit: '/audit',
  account: '/account',
  people: '/people',
  approvals: '/approvals',
  trust: '/trust',
  signIn: '/sign-in',
  setup: '/setup',
} as const;
