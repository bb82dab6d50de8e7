import type { ScheduleRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { toApiError } from '../../api/api-error.ts';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { argsText } from '../../parts/args-text.ts';
import { Mark, type Tone } from '../../parts/mark.tsx';
import { nextTimes } from '../../parts/next-times.ts';
import { Table } from '../../parts/table.tsx';
import { DateTime, RelativeTime } from '../../parts/time-text.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.schedules;
const TONES: Readonly<Record<ScheduleRow['state'], Tone>> = { active: 'ok', paused: 'idle', stopped: 'bad' };
const MORE_TIMES = 2;

/** Pauses it, or lets it go on. */
function usePause() {
  const { api } = useServices();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, state }: ScheduleRow) => (state === 'active' ? api.pauseSchedule(id) : api.resumeSchedule(id)),
    onSuccess: async ({ name, state }) => {
      notifications.show({ message: state === 'active' ? t.resumed(name) : t.paused(name) });
      await client.invalidateQueries({ queryKey: keys.schedules });
    },
    onError: (error) => notifications.show({ color: 'red', message: toApiError(error).detail }),
  });
}

function What({ schedule }: { readonly schedule: ScheduleRow }) {
  const { action, args, steps, on, nodes, mode } = schedule;
  return (
    <>
      <span className="hb-mono">{visibleLine(action, 64)}</span>{' '}
      {mode === 'plan' ? <span className="hb-chip">{t.planOnly}</span> : null}
      {steps.length > 1 ? <span className="hb-quiet hb-small"> {t.more(steps.length - 1)}</span> : null}
      <div className="hb-quiet hb-small hb-foreign">
        <span className="hb-mono">{on === null ? t.nodes(nodes?.length ?? 0) : visibleLine(on, 120)}</span>{' '}
        {argsText(args)}
      </div>
    </>
  );
}

function NextTimes({ schedule }: { readonly schedule: ScheduleRow }) {
  const { nextAt, cron, zone } = schedule;
  if (nextAt === null) return <span className="hb-quiet">{texts.words.none}</span>;
  const more = nextTimes(cron, zone, nextAt, MORE_TIMES);
  return (
    <>
      <DateTime at={nextAt} />{' '}
      <span className="hb-quiet hb-small">
        <RelativeTime at={nextAt} />
      </span>
      {more.length === 0 ? null : (
        <div className="hb-quiet hb-small">
          {t.afterThat}{' '}
          {more.map((at, index) => (
            <span key={at}>
              {index === 0 ? '' : ', '}
              <DateTime at={at} />
            </span>
          ))}
        </div>
      )}
    </>
  );
}

/** What came of the last time: its run, or why there was none. */
function LastTime({ schedule }: { readonly schedule: ScheduleRow }) {
  const { says, lastRunId, lastAt } = schedule;
  return (
    <>
      {lastRunId === null ? (
        <span className="hb-quiet">{t.notYet}</span>
      ) : (
        <Link to={paths.run(lastRunId)}>
          {t.run} <RelativeTime at={lastAt} />
        </Link>
      )}
      {says === null ? null : <div className="hb-small hb-foreign">{visibleLine(says, 300)}</div>}
    </>
  );
}

/** @param props.onRemove asks before it is deleted */
export function ScheduleTable({
  rows,
  onRemove,
}: {
  readonly rows: readonly ScheduleRow[];
  readonly onRemove: (schedule: ScheduleRow) => void;
}) {
  const pause = usePause();
  const columns = [
    { key: 'name', title: t.name },
    { key: 'state', title: texts.words.state },
    { key: 'what', title: t.what },
    { key: 'times', title: t.times },
    { key: 'next', title: t.next },
    { key: 'last', title: t.last },
    { key: 'by', title: t.by },
    { key: 'acts', title: '' },
  ];
  return (
    <Table label={t.table} columns={columns}>
      {rows.map((schedule) => (
        <tr key={schedule.id}>
          <td>
            <strong className="hb-foreign">{visibleLine(schedule.name, 40)}</strong>
          </td>
          <td data-end>
            <Mark tone={TONES[schedule.state]} word={t.states[schedule.state]} />
          </td>
          <td data-wide>
            <What schedule={schedule} />
          </td>
          <td data-label={t.times}>
            <span className="hb-mono hb-nowrap">{visibleLine(schedule.cron, 200)}</span>
            <div className="hb-quiet hb-small">{visibleLine(schedule.zone, 64)}</div>
          </td>
          <td data-wide data-label={t.next}>
            <NextTimes schedule={schedule} />
          </td>
          <td data-wide data-label={t.last}>
            <LastTime schedule={schedule} />
          </td>
          <td data-label={t.by} className="hb-foreign">
            {visibleLine(schedule.requester, 64)}
          </td>
          <td data-end className="hb-number">
            <span className="hb-row hb-end">
              {schedule.state === 'stopped' ? null : (
                <Button
                  size="compact-sm"
                  variant="default"
                  loading={pause.isPending && pause.variables.id === schedule.id}
                  onClick={() => pause.mutate(schedule)}
                >
                  {schedule.state === 'active' ? t.pause : t.resume}
                </Button>
              )}
              <Button size="compact-sm" variant="default" onClick={() => onRemove(schedule)}>
                {t.remove}
              </Button>
            </span>
          </td>
        </tr>
      ))}
    </Table>
  );
}
