/** The catalogue of actions. */
import type { ActionRow } from '@hauban/shared/api';
import { Button, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useActions } from '../../api/hooks.ts';
import { ActionTraits } from '../../parts/action-traits.tsx';
import { EmptyState, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import './actions.css';

const t = texts.actions;

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
      <h2 className="hb-section-title">{action.title}</h2>
      <ActionTraits action={action} />
      <p className="hb-quiet">{firstParagraph(action.docs)}</p>
    </li>
  );
}

export default function ActionsPage() {
  const actions = useActions();
  const [typed, setTyped] = useState('');
  const field = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLUListElement | null>(null);
  useListKeys(field, list);
  const searched = typed.trim().toLowerCase();
  return (
    <Page title={t.title} lead={t.text}>
      <div className="hb-filters">
        <TextInput
          ref={field}
          className="hb-filter-wide"
          type="search"
          aria-label={t.search}
          placeholder={`${t.search}  /`}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      </div>
      <QueryView query={actions}>
        {(all) => {
          const shown = all.filter((action) =>
            `${action.name} ${action.title} ${action.docs}`.toLowerCase().includes(searched),
          );
          if (shown.length === 0) return <EmptyState title={all.length === 0 ? t.empty : t.noMatch} />;
          return (
            <ul className="hb-actions" ref={list}>
              {shown.map((action) => (
                <ActionCard key={action.name} action={action} />
              ))}
            </ul>
          );
        }}
      </QueryView>
    </Page>
  );
}
