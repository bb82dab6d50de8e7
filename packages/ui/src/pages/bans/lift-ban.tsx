import { BAN_LIFT_ACTION, liftOf, type BanListRow, type BanSearch, type RunTarget } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useBanLists } from '../../api/ban-hooks.ts';
import { useRun } from '../../api/hooks.ts';
import { useAllTargets } from '../../api/run-hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ForeignText } from '../../parts/foreign-text.tsx';
import { ErrorNotice, Notice } from '../../parts/notices.tsx';
import { TargetStateMark } from '../../parts/state-marks.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { listedBans, type ListedBans } from './listed-bans.ts';

const t = texts.bans;

/** The lists that made them, as far as this reader may see and change them; null: a list that is not theirs. */
function useLists(search: BanSearch): readonly (ListedBans & { readonly row: BanListRow | null })[] {
  const listed = listedBans(search);
  const lists = useBanLists(listed.length > 0);
  return listed.map((each) => ({ ...each, row: lists.data?.find(({ name }) => name === each.list) ?? null }));
}

function ListNotices({ address, lists }: { readonly address: string; readonly lists: ReturnType<typeof useLists> }) {
  return lists.map(({ list, row }) => (
    <Notice key={list} tone="warn">
      {row === null ? (
        t.onForeignList(visibleLine(list, 40))
      ) : (
        <>
          {t.onList(visibleLine(list, 40))} <Link to={paths.banList(row.id, address)}>{t.toList}</Link>
        </>
      )}
    </Notice>
  ));
}

/**
 * Lifts what was found, everywhere at once; the prefixes that are in it are named before. What a list bans is taken off
 * it first: it would come back.
 */
export function LiftButton({
  address,
  search,
  isDone,
  onStarted,
}: {
  readonly address: string;
  readonly search: BanSearch;
  /** It has been pressed for this search. */
  readonly isDone: boolean;
  readonly onStarted: (runId: string) => void;
}) {
  const { api } = useServices();
  const { targets, nodes } = liftOf(search);
  const lists = useLists(search);
  const lift = useMutation({
    mutationFn: async () => {
      for (const { row, targets: listed } of lists)
        if (row !== null) await api.takeOffBanList(row.id, { targets: [...listed] });
      return api.startRun({ action: BAN_LIFT_ACTION, args: { targets }, nodes, mode: 'apply', strategy: 'at-once' });
    },
    onSuccess: (run) => onStarted(run.id),
  });
  if (nodes.length === 0 || isDone) return null;
  const shown = targets.map((target) => visibleLine(target, 60));
  const known = lists.filter(({ row }) => row !== null).map(({ list }) => visibleLine(list, 40));
  return (
    <>
      {shown
        .filter((target) => target.includes('/'))
        .map((prefix) => (
          <Notice key={prefix} tone="warn">
            {t.isPrefix(prefix)}
          </Notice>
        ))}
      <ListNotices address={address} lists={lists} />
      {lift.error === null ? null : <ErrorNotice error={lift.error} />}
      <div>
        <Button loading={lift.isPending} onClick={() => lift.mutate()}>
          {known.length === 0
            ? t.lift(shown.join(', '), nodes.length)
            : t.liftAndTake(shown.join(', '), nodes.length, known.join(', '))}
        </Button>
      </div>
    </>
  );
}

/** What a node says of it: how it ended, what it noticed, and what it has looked at. */
const wordOf = ({ detail, plan, verification }: RunTarget): string =>
  [detail, ...(plan?.notes ?? []), ...verification.map(({ name, saw }) => `${name}: ${saw}`)]
    .filter((part) => part !== '')
    .join(' · ');

/** The run that lifts, node by node. */
export function Lifted({ runId }: { readonly runId: string }) {
  const run = useRun(runId);
  const targets = useAllTargets(run.data);
  if (run.data === undefined) return run.error === null ? null : <ErrorNotice error={run.error} />;
  if (run.data.action !== BAN_LIFT_ACTION) return null;
  return (
    <section className="hb-card hb-card-pad hb-stack" aria-label={t.lifted} aria-live="polite">
      <h2 className="hb-section-title">{t.lifted}</h2>
      {targets.map((target) => (
        <div key={target.orderId} className="hb-row">
          <TargetStateMark state={target.state} />
          <ForeignText text={target.hostName} max={100} />
          <span className="hb-quiet">
            <ForeignText text={wordOf(target)} max={500} />
          </span>
        </div>
      ))}
      <Link to={paths.run(runId)}>{t.liftRunOf}</Link>
    </section>
  );
}
