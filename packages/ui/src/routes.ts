import type { ComponentType } from 'react';

/** One page: a folder of `pages/`, loaded when it is first opened. */
export interface PageRoute {
  /** Name of its folder. */
  readonly name: string;
  readonly path: string;
  /** `open` pages are shown without an account and without the frame. */
  readonly access: 'open' | 'signed-in';
  readonly load: () => Promise<{ readonly default: ComponentType }>;
}

/** The list of pages; a test holds it against the folders. */
export const PAGES: readonly PageRoute[] = [
  { name: 'setup', path: '/setup', access: 'open', load: () => import('./pages/setup/page.tsx') },
  { name: 'invite', path: '/invite', access: 'open', load: () => import('./pages/invite/page.tsx') },
  { name: 'sign-in', path: '/sign-in', access: 'open', load: () => import('./pages/sign-in/page.tsx') },
  {
    name: 'sign-on',
    path: '/sign-on/$provider',
    access: 'open',
    load: () => import('./pages/sign-on/page.tsx'),
  },
  { name: 'fleet', path: '/', access: 'signed-in', load: () => import('./pages/fleet/page.tsx') },
  { name: 'node', path: '/nodes/$id', access: 'signed-in', load: () => import('./pages/node/page.tsx') },
  { name: 'shell', path: '/nodes/$id/shell', access: 'signed-in', load: () => import('./pages/shell/page.tsx') },
  { name: 'actions', path: '/actions', access: 'signed-in', load: () => import('./pages/actions/page.tsx') },
  { name: 'run-action', path: '/run/$action', access: 'signed-in', load: () => import('./pages/run-action/page.tsx') },
  { name: 'runs', path: '/runs', access: 'signed-in', load: () => import('./pages/runs/page.tsx') },
  { name: 'run', path: '/runs/$id', access: 'signed-in', load: () => import('./pages/run/page.tsx') },
  { name: 'schedules', path: '/schedules', access: 'signed-in', load: () => import('./pages/schedules/page.tsx') },
  { name: 'windows', path: '/windows', access: 'signed-in', load: () => import('./pages/windows/page.tsx') },
  { name: 'webhooks', path: '/webhooks', access: 'signed-in', load: () => import('./pages/webhooks/page.tsx') },
  { name: 'pools', path: '/pools', access: 'signed-in', load: () => import('./pages/pools/page.tsx') },
  { name: 'pool', path: '/pools/$id', access: 'signed-in', load: () => import('./pages/pool/page.tsx') },
  { name: 'bans', path: '/bans', access: 'signed-in', load: () => import('./pages/bans/page.tsx') },
  { name: 'ban-lists', path: '/ban-lists', access: 'signed-in', load: () => import('./pages/ban-lists/page.tsx') },
  { name: 'ban-list', path: '/ban-lists/$id', access: 'signed-in', load: () => import('./pages/ban-list/page.tsx') },
  { name: 'recordings', path: '/recordings', access: 'signed-in', load: () => import('./pages/recordings/page.tsx') },
  { name: 'recording', path: '/recordings/$id', access: 'signed-in', load: () => import('./pages/recording/page.tsx') },
  { name: 'audit', path: '/audit', access: 'signed-in', load: () => import('./pages/audit/page.tsx') },
  { name: 'people', path: '/people', access: 'signed-in', load: () => import('./pages/people/page.tsx') },
  {
    name: 'approvals',
    path: '/approvals',
    access: 'signed-in',
    load: () => import('./pages/approvals/page.tsx'),
  },
  { name: 'trust', path: '/trust', access: 'signed-in', load: () => import('./pages/trust/page.tsx') },
  { name: 'account', path: '/account', access: 'signed-in', load: () => import('./pages/account/page.tsx') },
  { name: 'cli-sign-in', path: '/cli', access: 'signed-in', load: () => import('./pages/cli-sign-in/page.tsx') },
];
