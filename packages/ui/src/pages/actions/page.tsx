/** The catalogue of actions: by family, searched and filtered; the hoster's own among them. */
import type { ActionRow } from '@hauban/shared/api';
import { NODE_ROLES } from '@hauban/shared/protocol';
import { Button, NativeSelect } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useActions } from '../../api/hooks.ts';
import { visibleLine, visibleText } from '../../format/visible-text.ts';
import { SearchField } from '../../parts/search-field.tsx';
import { ActionTraits } from '../../parts/action-traits.tsx';
import { EmptyState, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { roleName } from '../../parts/role-chips.tsx';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { familyOf, filterActions, groupActions, type ActionFilter } from './action-filter.ts';
import './actions.css';

const t = texts.actions;
const RISKS = [
  { value: '', label: t.anyRisk },
  { value: 'reads', label: t.readOnly },
  ...(['low', 'medium', 'high'] as const).map((risk) => ({ value: risk, label: texts.risk[risk] })),
];
const ROLES = [
  { value: '', label: t.anyRoleFilter },
  ...NODE_ROLES.map((role) => ({ value: role, label: roleName(role) })),
];
const familyName = (family: string): string => (family === 'custom' ? t.customFamily : family);

/** The rest stands on the action's own page. */
const firstParagraph = (docs: string): string => docs.split('\n\n', 1)[0] ?? docs;

function ActionCard({ action }: { readonly action: ActionRow }) {
  return (
    <li className="hb-card hb-action">
      <div className="hb-row hb-spread">
        <Link to={paths.runAction(action.name)} className="hb-action-name hb-mono" data-row-link>
          {action.name}
        </Link>
        <Button
          component={Link}
          to={paths.runAction(action.name)}
          variant="default"
          size="compact-sm"
          tabIndex={-1}
          aria-hidden
        >
          {action.readOnly ? t.runRead : t.run}
        </Button>
      </div>
      <h3 className="hb-section-title hb-foreign">{visibleLine(action.title, 200)}</h3>
      <ActionTraits action={action} />
      <p className="hb-quiet hb-foreign">{visibleText(firstParagraph(action.docs))}</p>
    </li>
  );
}

function Catalogue({ actions }: { readonly actions: readonly ActionRow[] }) {
  return groupActions(actions).map(([family, own]) => (
    <section key={family} className="hb-stack" aria-label={familyName(family)}>
      <h2 className="hb-section-title hb-action-family">
        {familyName(family)} <span className="hb-quiet hb-small">{t.count(own.length)}</span>
      </h2>
      {family === 'custom' ? <p className="hb-quiet">{t.customHint}</p> : null}
      <ul className="hb-actions">
        {own.map((action) => (
          <ActionCard key={action.name} action={action} />
        ))}
      </ul>
    </section>
  ));
}

const ALL: ActionFilter = { text: '', family: '', risk: '', role: '' };

export default function ActionsPage() {
  const actions = useActions();
  const [filter, setFilter] = useState(ALL);
  const field = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLDivElement | null>(null);
  useListKeys(field, list);
  const set = (change: Partial<ActionFilter>): void => setFilter({ ...filter, ...change });
  const families = [...new Set((actions.data ?? []).map(familyOf))];
  return (
    <Page title={t.title} lead={t.text}>
      <div className="hb-filters">
        <SearchField field={field} label={t.search} value={filter.text} onChange={(text) => set({ text })} />
        <NativeSelect
          aria-label={t.family}
          value={filter.family}
          data={[
            { value: '', label: t.anyFamily },
            ...families.map((family) => ({ value: family, label: familyName(family) })),
          ]}
          onChange={(event) => set({ family: event.currentTarget.value })}
        />
        <NativeSelect
          aria-label={t.risk}
          value={filter.risk}
          data={RISKS}
          onChange={(event) => set({ risk: event.currentTarget.value })}
        />
        <NativeSelect
          aria-label={t.role}
          value={filter.role}
          data={ROLES}
          onChange={(event) => set({ role: event.currentTarget.value })}
        />
      </div>
      <QueryView query={actions}>
        {(all) => {
          const shown = filterActions(all, filter);
          if (shown.length === 0) return <EmptyState title={all.length === 0 ? t.empty : t.noMatch} />;
          return (
            <div className="hb-stack" ref={list}>
              <Catalogue actions={shown} />
            </div>
          );
        }}
      </QueryView>
    </Page>
  );
}
