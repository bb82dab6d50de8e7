/** One recording: who, when, and the player. */
import type { SessionRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { castPath } from '../../api/api.ts';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { formatDuration } from '../../format/time.ts';
import { formatBytes } from '../../format/units.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Loading, Notice, QueryView } from '../../parts/notices.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { RecordingMark } from '../../parts/state-marks.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { useNow } from '../../parts/use-now.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { usePathParam } from '../../parts/use-path-param.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { isSettling } from './is-settling.ts';

const t = texts.recording;
const SETTLING_POLL_MS = 1000;
const OPEN_POLL_MS = 5000;

/** How often to look whether there is more of it; never once it is whole. */
function pollMs(session: SessionRow): number | false {
  if (isSettling(session, Date.now())) return SETTLING_POLL_MS;
  return session.state === 'open' ? OPEN_POLL_MS : false;
}

// The player is large: read beside the recording itself.
const CastPlayer = lazy(async () => ({ default: (await import('../../player/cast-player.tsx')).CastPlayer }));

function Playback({ session }: { readonly session: SessionRow }) {
  const { api } = useServices();
  const [search] = useSearchState();
  const [isUnreadable, setIsUnreadable] = useState(false);
  const cast = useQuery({
    queryKey: keys.cast(session.id, session.recording === 'complete' ? 'whole' : 'so-far'),
    queryFn: () => api.cast(session.id),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  const startAtS = Number(search['at'] ?? 0);
  if (isUnreadable) return <Notice tone="bad">{t.unreadable}</Notice>;
  return (
    <QueryView query={cast}>
      {(text) => (
        <Suspense fallback={<Loading text={t.loading} />}>
          <CastPlayer
            cast={text}
            startAtS={Number.isFinite(startAtS) ? startAtS : 0}
            onProblem={() => setIsUnreadable(true)}
          />
        </Suspense>
      )}
    </QueryView>
  );
}

function Content({ session }: { readonly session: SessionRow }) {
  const now = useNow();
  if (isSettling(session, now)) return <Loading text={t.settling} />;
  return session.chunks === 0 ? <Notice tone="idle">{t.empty}</Notice> : <Playback session={session} />;
}

function RecordingView({ session }: { readonly session: SessionRow }) {
  const host = visibleLine(session.hostName, 100);
  const download = (
    <Button
      component="a"
      href={castPath(session.id)}
      download={`${session.id}.cast`}
      variant="default"
      leftSection={<IconDownload size={16} />}
    >
      {t.download}
    </Button>
  );
  return (
    <Page
      title={t.title(host)}
      heading={
        <Link to={paths.node(session.nodeId, 'shells')} className="hb-foreign">
          {host}
        </Link>
      }
      beside={
        <>
          <RecordingMark recording={session.recording} />
          <span className="hb-quiet hb-foreign">
            {t.who(visibleLine(session.user, 40), visibleLine(session.openedBy, 64))}
          </span>
        </>
      }
      actions={download}
    >
      {session.state === 'open' ? <Notice tone="idle">{t.stillOpen}</Notice> : null}
      {session.recording === 'broken' ? <Notice tone="bad">{t.broken}</Notice> : null}
      <Content session={session} />
      <p className="hb-quiet hb-small">{t.keys}</p>
      <Facts
        rows={[
          [t.facts.began, <DateTime key="began" at={session.requestedAt} />],
          [t.facts.ended, <DateTime key="ended" at={session.endedAt} />],
          [t.facts.length, formatDuration(session.durationMs)],
          [t.facts.output, formatBytes(session.outputBytes)],
          [t.facts.chunks, t.chunks(session.chunks)],
        ]}
      />
    </Page>
  );
}

export default function RecordingPage() {
  const id = usePathParam('id');
  const { api } = useServices();
  const session = useQuery({
    queryKey: keys.recording(id),
    queryFn: () => api.session(id),
    refetchInterval: ({ state }) => (state.data === undefined ? false : pollMs(state.data)),
  });
  if (session.data !== undefined) return <RecordingView key={id} session={session.data} />;
  return (
    <Page title={texts.recordings.title} isNarrow>
      <QueryView query={session}>{() => null}</QueryView>
    </Page>
  );
}
