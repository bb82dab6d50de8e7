import type { SessionRow } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import { formatDuration } from '../format/time.ts';
import { formatBytes } from '../format/units.ts';
import { visibleLine } from '../format/visible-text.ts';
import { paths } from '../paths.ts';
import { texts } from '../texts/index.ts';
import { RecordingMark, SessionStateMark } from './state-marks.tsx';
import { Table } from './table.tsx';
import { RelativeTime } from './time-text.tsx';

const t = texts.sessions;

function SessionLine({ session, isHostShown }: { readonly session: SessionRow; readonly isHostShown: boolean }) {
  const host = visibleLine(session.hostName, 100);
  const hasRecording = session.recording !== 'none' && session.chunks > 0;
  return (
    <tr>
      {isHostShown ? (
        <td>
          <Link to={paths.node(session.nodeId, 'shells')} className="hb-row-link hb-foreign">
            {host}
          </Link>
        </td>
      ) : null}
      <td data-end className="hb-quiet">
        <RelativeTime at={session.requestedAt} />
      </td>
      <td data-label={t.columns.user}>
        <span className="hb-mono">{visibleLine(session.user, 40)}</span>
      </td>
      <td data-end data-label={t.columns.by}>
        <span className="hb-foreign">{visibleLine(session.openedBy, 64)}</span>
      </td>
      <td>
        <SessionStateMark state={session.state} />
        {session.detail === '' || session.state === 'open' ? null : (
          <span className="hb-quiet hb-small hb-foreign"> {visibleLine(session.detail, 120)}</span>
        )}
      </td>
      <td data-end>
        <RecordingMark recording={session.recording} />
      </td>
      <td className="hb-number hb-quiet">{formatDuration(session.durationMs)}</td>
      <td data-end className="hb-number hb-quiet">
        {formatBytes(session.outputBytes)}
      </td>
      <td data-end className="hb-number">
        <span className="hb-row hb-end">
          {session.state === 'open' ? <Link to={paths.shell(session.nodeId, session.id)}>{t.go}</Link> : null}
          {hasRecording ? (
            <Link to={paths.recording(session.id)} data-row-link>
              {t.play}
            </Link>
          ) : null}
        </span>
      </td>
    </tr>
  );
}

/** Shells and their recordings, newest first. */
export function SessionTable({
  sessions,
  isHostShown = true,
}: {
  readonly sessions: readonly SessionRow[];
  readonly isHostShown?: boolean;
}) {
  const columns = [
    ...(isHostShown ? [{ key: 'host', title: t.columns.host }] : []),
    { key: 'began', title: t.columns.began },
    { key: 'user', title: t.columns.user },
    { key: 'by', title: t.columns.by },
    { key: 'state', title: t.columns.state },
    { key: 'recording', title: t.columns.recording },
    { key: 'length', title: t.columns.length, isNumber: true },
    { key: 'output', title: t.columns.output, isNumber: true },
    { key: 'open', title: '' },
  ];
  return (
    <Table label={t.tableLabel} columns={columns}>
      {sessions.map((session) => (
        <SessionLine key={session.id} session={session} isHostShown={isHostShown} />
      ))}
    </Table>
  );
}
