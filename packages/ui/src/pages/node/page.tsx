/** One node: its state, live graphs, inventory, actions, shells and policy. */
import type { NodeDetail } from '@hauban/shared/api';
import { Button, Tabs } from '@mantine/core';
import { IconTags, IconTerminal2, IconTool } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { useLiveNode, useMe, useNode } from '../../api/hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Loading, Notice, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { RoleChips } from '../../parts/role-chips.tsx';
import { NodeStateMark } from '../../parts/state-marks.tsx';
import { oneOf, useSearchState } from '../../parts/use-search-state.ts';
import { usePathParam } from '../../parts/use-path-param.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { ActionsTab } from './actions-tab.tsx';
import { BarredNotice } from './barred-notice.tsx';
import { InventoryTab } from './inventory-tab.tsx';
import { LabelsDialog } from './labels-dialog.tsx';
import './node.css';
import { NodeFacts } from './node-facts.tsx';
import { PolicyTab } from './policy-tab.tsx';
import { RemoveNode } from './remove-node.tsx';
import { RevokeNode } from './revoke-node.tsx';
import { ShellsTab } from './shells-tab.tsx';

const t = texts.node;
const TABS = ['overview', 'inventory', 'actions', 'shells', 'policy'] as const;
type Tab = (typeof TABS)[number];

// The graphs bring the chart library with them: read only when they are looked at.
const OverviewTab = lazy(() => import('./overview-tab.tsx'));

function tabContent(tab: Tab, node: NodeDetail): ReactNode {
  switch (tab) {
    case 'overview':
      return (
        <Suspense fallback={<Loading />}>
          <OverviewTab node={node} />
        </Suspense>
      );
    case 'inventory':
      return <InventoryTab nodeId={node.id} />;
    case 'actions':
      return <ActionsTab node={node} />;
    case 'shells':
      return <ShellsTab node={node} />;
    case 'policy':
      return <PolicyTab text={node.policyText} />;
  }
}

function NodeTabs({ node }: { readonly node: NodeDetail }) {
  const [search, setSearch] = useSearchState();
  const tab = oneOf(search['tab'], TABS);
  return (
    <Tabs
      value={tab}
      onChange={(value) => setSearch({ tab: value === 'overview' ? '' : (value ?? '') })}
      keepMounted={false}
    >
      <Tabs.List aria-label={t.tabsLabel}>
        {TABS.map((each) => (
          <Tabs.Tab key={each} value={each}>
            {t.tabs[each]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {TABS.map((each) => (
        <Tabs.Panel key={each} value={each} pt="md">
          {tabContent(each, node)}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

interface HeadActionsProps {
  readonly node: NodeDetail;
  /** By the role; the controller decides about this very node. */
  readonly mayAct: boolean;
  readonly onLabels: () => void;
  /** Null: not offered. */
  readonly onRevoke: (() => void) | null;
}

function HeadActions({ node, mayAct, onLabels, onRevoke }: HeadActionsProps) {
  return (
    <>
      {onRevoke === null ? null : (
        <Button variant="subtle" color="red" onClick={onRevoke}>
          {t.revoke}
        </Button>
      )}
      {mayAct ? (
        <Button variant="default" leftSection={<IconTags size={16} />} onClick={onLabels}>
          {t.editLabels}
        </Button>
      ) : null}
      {mayAct && node.bar === null ? (
        <>
          <Button
            component={Link}
            to={paths.node(node.id, 'actions')}
            variant="default"
            leftSection={<IconTool size={16} />}
          >
            {t.runAction}
          </Button>
          <Button component={Link} to={paths.shell(node.id)} leftSection={<IconTerminal2 size={16} />}>
            {t.shell}
          </Button>
        </>
      ) : null}
    </>
  );
}

function NodeView({ node }: { readonly node: NodeDetail }) {
  const [dialog, setDialog] = useState<'labels' | 'remove' | 'revoke' | null>(null);
  const may = useMe().data?.may;
  const isOwner = may?.own === true;
  const onRevoke = isOwner && node.bar === null ? () => setDialog('revoke') : null;
  const close = (): void => setDialog(null);
  const host = visibleLine(node.hostName, 100);
  const beside = (
    <>
      <NodeStateMark state={node.state} isBoxed />
      <RoleChips roles={node.roles} labels={node.labels} />
    </>
  );
  return (
    <Page
      hasManyActions
      title={host}
      heading={<span className="hb-foreign">{host}</span>}
      beside={beside}
      actions={
        <HeadActions
          node={node}
          mayAct={may?.operate === true}
          onLabels={() => setDialog('labels')}
          onRevoke={onRevoke}
        />
      }
    >
      {node.state === 'down' ? <Notice tone="warn">{t.downNotice}</Notice> : null}
      {node.state === 'never-seen' ? <Notice tone="idle">{t.neverNotice}</Notice> : null}
      <BarredNotice node={node} isOwner={isOwner} />
      <NodeFacts node={node} />
      <NodeTabs node={node} />
      {dialog === 'labels' ? <LabelsDialog node={node} onClose={close} onRemove={() => setDialog('remove')} /> : null}
      {dialog === 'revoke' ? <RevokeNode node={node} onClose={close} /> : null}
      {dialog === 'remove' ? <RemoveNode node={node} onClose={close} /> : null}
    </Page>
  );
}

export default function NodePage() {
  const id = usePathParam('id');
  const node = useNode(id);
  useLiveNode(id);
  if (node.data !== undefined) return <NodeView key={id} node={node.data} />;
  return (
    <Page title={texts.words.node} isNarrow>
      <QueryView query={node}>{() => null}</QueryView>
    </Page>
  );
}
