import type { RunRow } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import { formatDuration } from '../format/time.ts';
import { visibleLine } from '../format/visible-text.ts';
import { paths } from '../paths.ts';
import { texts } from '../texts/index.ts';
import { argsText } from './args-text.ts';
import { Mark } from './mark.tsx';
import { RunCounts, RunStateMark } from './state-marks.tsx';
import { Table } from './table.tsx';
import { RelativeTime } from './time-text.tsx';

const t = texts.runs;
const modeWord = (mode: string): string => (mode === 'plan' || mode === 'apply' ? t.mode[mode] : visibleLine(mode, 20));

function RunLine({ run }: { readonly run: RunRow }) {
  const args = argsText(run.args);
  return (
    <tr>
      <td>
        <Link to={paths.run(run.id)} className="hb-row-link" data-row-link>
          {visibleLine(run.action, 64)}
        </Link>{' '}
        <span className="hb-chip">{modeWord(run.mode)}</span>
        {run.steps.length > 1 ? <span className="hb-quiet hb-small"> {t.more(run.steps.length - 1)}</span> : null}
      </td>
      <td data-end className="hb-quiet">
        <RelativeTime at={run.createdAt} />
      </td>
      <td data-wide className="hb-run-args">
        <span className="hb-mono hb-small hb-foreign hb-quiet">
          {run.on === null ? args : `${visibleLine(run.on, 120)} · ${args}`}
        </span>
      </td>
      <td>
        <span className="hb-foreign">{visibleLine(run.requester, 64)}</span>
      </td>
      <td data-end>
        {run.finishedAt === null && Object.keys(run.counts).length === 0 ? (
          <Mark tone="busy" word={t.running} />
        ) : (
          <span className="hb-chips">
            {run.state === 'finished' || run.state === 'running' ? null : <RunStateMark run={run} />}
            <RunCounts counts={run.counts} />
          </span>
        )}
      </td>
      <td className="hb-number hb-quiet">
        {run.finishedAt === null ? '' : formatDuration(run.finishedAt - run.createdAt)}
      </td>
    </tr>
  );
}

/** Runs, newest first. */
export function RunTable({ runs }: { readonly runs: readonly RunRow[] }) {
  const columns = [
    { key: 'action', title: t.action },
    { key: 'when', title: texts.words.when },
    { key: 'args', title: texts.run.arguments },
    { key: 'by', title: t.by },
    { key: 'state', title: t.nodes },
    { key: 'took', title: t.took, isNumber: true },
  ];
  return (
    <Table label={t.tableLabel} columns={columns}>
      {runs.map((run) => (
        <RunLine key={run.id} run={run} />
      ))}
    </Table>
  );
}
