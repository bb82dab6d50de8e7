import { Button, Divider } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useSignOnProviders } from '../api/hooks.ts';
import { useServices } from '../api/services.ts';
import { visibleLine } from '../format/visible-text.ts';
import { texts } from '../texts/index.ts';
import { ErrorNotice } from './notices.tsx';

const t = texts.signOn;

/** One button for each identity provider; nothing where there is none. What they begin ends on the page `sign-on`. */
export function SignOnButtons({ returnTo, invite }: { readonly returnTo?: string; readonly invite?: string }) {
  const { api } = useServices();
  const providers = useSignOnProviders();
  const begin = useMutation({
    mutationFn: (provider: string) =>
      api.beginSignOn({
        provider,
        ...(returnTo === undefined ? {} : { returnTo }),
        ...(invite === undefined ? {} : { invite }),
      }),
    onSuccess: ({ url }) => location.assign(url),
  });
  const rows = providers.data ?? [];
  if (rows.length === 0) return null;
  return (
    <>
      <Divider label={t.orElse} />
      {rows.map(({ id, name }) => (
        <Button
          key={id}
          variant="default"
          fullWidth
          loading={begin.isPending && begin.variables === id}
          onClick={() => begin.mutate(id)}
        >
          {(invite === undefined ? t.by : t.use)(visibleLine(name, 60))}
        </Button>
      ))}
      {begin.error === null ? null : <ErrorNotice error={begin.error} />}
    </>
  );
}
