/** Where an identity provider sends the browser back to: what it said is taken to the controller, once. */
import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { Alone } from '../../frame/alone.tsx';
import { ErrorNotice, Loading } from '../../parts/notices.tsx';
import { safeNext } from '../../parts/safe-next.ts';
import { usePathParam } from '../../parts/use-path-param.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.signOn;

export default function SignOnPage() {
  const { api } = useServices();
  const provider = usePathParam('provider');
  const [query] = useState(() => location.search.slice(1));
  // A code works once: asked once for each answer, never again by itself.
  const end = useQuery({
    queryKey: keys.signOnEnd(provider, query),
    queryFn: () => api.finishSignOn({ provider, query }),
    retry: false,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  useEffect(() => {
    // Nobody copies the code out of the address line, or comes back to it.
    history.replaceState(null, '', location.pathname);
  }, []);
  const returnTo = end.data?.returnTo;
  useEffect(() => {
    // A whole new page: it starts with the new session and nothing else.
    if (returnTo !== undefined) location.replace(safeNext(returnTo));
  }, [returnTo]);
  return (
    <Alone title={end.error === null ? t.title : t.refused}>
      {end.error === null ? (
        <Loading />
      ) : (
        <>
          <ErrorNotice error={end.error} />
          <Anchor href={paths.signIn}>{t.toSignIn}</Anchor>
        </>
      )}
    </Alone>
  );
}
