/** One pool: how its nodes differ from what is wished, and what can be done about it. */
import type { PoolDetail } from '@hauban/shared/api';
import { Button, Tabs } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState, type ReactNode } from 'react';
import { useMe } from '../../api/hooks.ts';
import { usePool, usePoolWork } from '../../api/pool-hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ErrorNotice, QueryView } from '../../parts/notices.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { PoolMark } from '../../parts/pool-mark.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { usePathParam } from '../../parts/use-path-param.ts';
import { oneOf, useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';
import { DriftTab } from './drift-tab.tsx';
import { NodesTab } from './nodes-tab.tsx';
import './pool.css';
import { PutAllRight } from './put-right.tsx';
import { WishesTab } from './wishes-tab.tsx';
import { WorkTab } from './work-tab.tsx';

const t = texts.pool;
const TABS = ['drift', 'nodes', 'wishes', 'work'] as const;
type Tab = (typeof TABS)[number];

interface PoolProps {
  readonly pool: PoolDetail;
  readonly mayAct: boolean;
}

function tabContent(tab: Tab, { pool, mayAct }: PoolProps): ReactNode {
  switch (tab) {
    case 'drift':
      return <DriftTab pool={pool} mayAct={mayAct} />;
    case 'nodes':
      return <NodesTab pool={pool} mayAct={mayAct} />;
    case 'wishes':
      return <WishesTab pool={pool} mayAct={mayAct} />;
    case 'work':
      return <WorkTab pool={pool} />;
  }
}

const countOf: Readonly<Record<Tab, (pool: PoolDetail) => number | null>> = {
  drift: ({ driftCount }) => driftCount,
  nodes: ({ memberCount }) => memberCount,
  wishes: ({ itemCount }) => itemCount,
  work: () => null,
};

function PoolTabs(props: PoolProps) {
  const [search, setSearch] = useSearchState();
  const tab = oneOf(search['tab'], TABS);
  return (
    <Tabs
      value={tab}
      onChange={(value) => setSearch({ tab: value === 'drift' ? '' : (value ?? ''), text: '', state: '', node: '' })}
      keepMounted={false}
    >
      <Tabs.List aria-label={t.tabsLabel}>
        {TABS.map((each) => {
          const count = countOf[each](props.pool);
          return (
            <Tabs.Tab key={each} value={each}>
              {count === null ? t.tabs[each] : t.count(t.tabs[each], count)}
            </Tabs.Tab>
          );
        })}
      </Tabs.List>
      {TABS.map((each) => (
        <Tabs.Panel key={each} value={each} pt="md">
          {tabContent(each, props)}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

function PoolFacts({ pool }: { readonly pool: PoolDetail }) {
  const repair = texts.pools.repairs[pool.repair];
  return (
    <div className="hb-card hb-card-pad">
      <Facts
        rows={[
          [
            texts.pools.members,
            pool.on === null ? (
              texts.pools.chosen
            ) : (
              <span key="on" className="hb-mono hb-foreign">
                {visibleLine(pool.on, 300)}
              </span>
            ),
          ],
          [texts.pools.repair, pool.repair === 'auto' ? `${repair}, ${texts.pools.budgetOf(pool.budget)}` : repair],
          [texts.pools.compared, texts.pools.every(pool.compareMinutes)],
          [t.version, String(pool.version)],
          [
            t.madeBy,
            <span key="by">
              <span className="hb-foreign">{t.byAt(visibleLine(pool.createdBy, 64))}</span>{' '}
              <DateTime at={pool.createdAt} />
            </span>,
          ],
        ]}
      />
    </div>
  );
}

function PoolView({ pool, mayAct, error }: PoolProps & { readonly error: unknown }) {
  const [isRepairing, setIsRepairing] = useState(false);
  const compare = usePoolWork(pool.id, () => notifications.show({ message: t.begun }));
  const differs = pool.members.some((member) => member.differs > 0);
  const actions = mayAct ? (
    <>
      <Button
        variant="default"
        loading={compare.isPending}
        disabled={pool.members.length === 0}
        onClick={() => compare.mutate({ kind: 'compare' })}
      >
        {t.compareAll}
      </Button>
      <Button disabled={!differs} onClick={() => setIsRepairing(true)}>
        {t.repairAll}
      </Button>
    </>
  ) : undefined;
  return (
    <Page title={visibleLine(pool.name, 40)} beside={<PoolMark pool={pool} isBoxed />} actions={actions} hasManyActions>
      {error === null ? null : <ErrorNotice error={error} />}
      {compare.error === null ? null : <ErrorNotice error={compare.error} />}
      <PoolFacts pool={pool} />
      <PoolTabs pool={pool} mayAct={mayAct} />
      {isRepairing ? <PutAllRight pool={pool} onClose={() => setIsRepairing(false)} /> : null}
    </Page>
  );
}

export default function PoolPage() {
  const id = usePathParam('id');
  const pool = usePool(id);
  const me = useMe();
  if (pool.data !== undefined)
    return <PoolView key={id} pool={pool.data} mayAct={me.data?.may.operate === true} error={pool.error} />;
  return (
    <Page title={t.unnamed} isNarrow>
      <QueryView query={pool}>{() => null}</QueryView>
    </Page>
  );
}
