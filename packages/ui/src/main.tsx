/** The web interface: builds everything by plain arguments and puts it on the page. */
import './theme/layers.css';
import '@mantine/core/styles.layer.css';
import '@mantine/notifications/styles.layer.css';
import './theme/tokens.css';
import './theme/base.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api/api-error.ts';
import { createApi } from './api/api.ts';
import { dialText } from './api/dial.ts';
import { createLiveConnection } from './api/live-connection.ts';
import { createRequest, mayRetry } from './api/request.ts';
import { ServicesProvider } from './api/services.ts';
import { paths } from './paths.ts';
import { browserClock, browserRandom } from './platform/browser-clock.ts';
import { nameNonceForBundledStyles, readStyleNonce } from './platform/style-nonce.ts';
import { createPageRouter } from './router.tsx';
import { cssVariablesResolver, theme } from './theme/theme.ts';

const router = createPageRouter();

/** The session is over: sign in, then come back to where this was. */
function toSignIn(): void {
  const { pathname, href } = router.state.location;
  if (pathname === paths.signIn || pathname === paths.setup) return;
  void router.navigate({ to: paths.signIn, search: href === paths.fleet ? {} : { next: href } });
}

const api = createApi(createRequest({ fetch: (url, init) => fetch(url, init), onSignedOut: toSignIn }));
const live = createLiveConnection({
  dial: (events) => dialText('/api/live', async () => (await api.socketTicket()).ticket, events),
  mayReturn: (error) => !(error instanceof ApiError) || error.code !== 'NOT_SIGNED_IN',
  isVisible: () => document.visibilityState === 'visible',
  clock: browserClock,
  random: browserRandom,
});
const queries = new QueryClient({
  defaultOptions: { queries: { staleTime: 5000, retry: (count, error) => count < 2 && mayRetry(error) } },
});

const styleNonce = readStyleNonce(document);
nameNonceForBundledStyles(styleNonce);

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element with id root');
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariablesResolver}
      defaultColorScheme="auto"
      getStyleNonce={() => styleNonce}
    >
      <QueryClientProvider client={queries}>
        <ServicesProvider value={{ api, live }}>
          <Notifications position="bottom-right" />
          <RouterProvider router={router} />
        </ServicesProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
