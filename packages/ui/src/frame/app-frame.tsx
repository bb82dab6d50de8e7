/**
 * What stands around every page: bar, navigation, palette, keys, and the question who is there.
 * May import parts, api and texts; never a page.
 */
import { useHotkeys } from '@mantine/hooks';
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useMe } from '../api/hooks.ts';
import { ErrorNotice, Loading } from '../parts/notices.tsx';
import { Page } from '../parts/page.tsx';
import { texts } from '../texts/index.ts';
import './app-frame.css';
import { CommandPalette } from './command-palette.tsx';
import { KeyHelp } from './key-help.tsx';
import { TopBar } from './top-bar.tsx';
import { useGoKeys } from './use-go-keys.ts';

/** After a change of page the focus goes to the content, so that a keyboard or a screen reader goes on there. */
function useFocusOnPageChange(): React.RefObject<HTMLElement | null> {
  const content = useRef<HTMLElement | null>(null);
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const before = useRef(pathname);
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    content.current?.focus({ preventScroll: true });
  }, [pathname]);
  return content;
}

export function AppFrame() {
  const me = useMe();
  const content = useFocusOnPageChange();
  const navigate = useNavigate();
  const [open, setOpen] = useState<'palette' | 'keys' | null>(null);
  const close = (): void => setOpen(null);
  useHotkeys([['mod+K', () => setOpen('palette')]], []);
  useGoKeys(
    (path) => void navigate({ to: path }),
    () => setOpen('keys'),
  );

  return (
    <>
      <a className="hb-skip" href="#content">
        {texts.app.skipLink}
      </a>
      <TopBar me={me.data} onPalette={() => setOpen('palette')} onKeys={() => setOpen('keys')} />
      <main id="content" ref={content} tabIndex={-1} style={{ outline: 'none' }}>
        {me.data !== undefined ? <Outlet /> : <WhoIsThere error={me.error} onRetry={() => void me.refetch()} />}
      </main>
      <CommandPalette isOpen={open === 'palette'} onClose={close} />
      <KeyHelp isOpen={open === 'keys'} onClose={close} />
    </>
  );
}

function WhoIsThere({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  if (error === null) return <Loading />;
  return (
    <Page title={texts.app.name} isNarrow>
      <ErrorNotice error={error} onRetry={onRetry} />
    </Page>
  );
}
