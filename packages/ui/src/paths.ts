/** Addresses of the pages. Ids come from the controller and are encoded like any foreign text. */
const segment = (text: string): string => encodeURIComponent(text);

export const paths = {
  fleet: '/',
  node: (id: string, tab?: string) => `/nodes/${segment(id)}${tab === undefined ? '' : `?tab=${segment(tab)}`}`,
  shell: (nodeId: string, sessionId?: string) =>
    `/nodes/${segment(nodeId)}/shell${sessionId === undefined ? '' : `?session=${segment(sessionId)}`}`,
  actions: '/actions',
  runAction: (name: string, nodeId?: string) =>
    `/run/${segment(name)}${nodeId === undefined ? '' : `?node=${segment(nodeId)}`}`,
  runs: '/runs',
  run: (id: string) => `/runs/${segment(id)}`,
  recordings: '/recordings',
  recording: (id: string) => `/recordings/${segment(id)}`,
  audit: '/audit',
  account: '/account',
  signIn: '/sign-in',
  setup: '/setup',
} as const;
