import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  type AnyRouter,
} from '@tanstack/react-router';
import { AppFrame } from './frame/app-frame.tsx';
import { PageFault, PageNotFound } from './frame/page-fault.tsx';
import { Loading } from './parts/notices.tsx';
import { PAGES } from './routes.ts';

/** Query values stay texts: a token that looks like a number is not one. */
const parseSearch = (text: string): Record<string, string> => Object.fromEntries(new URLSearchParams(text));

function stringifySearch(search: Record<string, unknown>): string {
  const entries = Object.entries(search).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
  );
  const text = new URLSearchParams(entries).toString();
  return text === '' ? '' : `?${text}`;
}

/** Routes from the list of pages: open ones stand alone, the others inside the frame that asks who is there. */
export function createPageRouter(): AnyRouter {
  const root = createRootRoute({ component: Outlet, notFoundComponent: PageNotFound, errorComponent: PageFault });
  const frame = createRoute({ getParentRoute: () => root, id: 'frame', component: AppFrame });
  const routeOf = (page: (typeof PAGES)[number], parent: typeof root) =>
    createRoute({ getParentRoute: () => parent, path: page.path, component: lazyRouteComponent(page.load) });
  const open = PAGES.filter((page) => page.access === 'open').map((page) => routeOf(page, root));
  const inside = PAGES.filter((page) => page.access === 'signed-in').map((page) =>
    routeOf(page, frame as unknown as typeof root),
  );
  return createRouter({
    routeTree: root.addChildren([...open, frame.addChildren(inside)]),
    defaultPreload: 'intent',
    defaultPendingComponent: Loading,
    defaultErrorComponent: PageFault,
    defaultNotFoundComponent: PageNotFound,
    parseSearch,
    stringifySearch,
    scrollRestoration: true,
  });
}
