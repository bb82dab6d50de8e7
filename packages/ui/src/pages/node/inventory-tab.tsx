import type { InventoryReply } from '@hauban/shared/api';
import { SegmentedControl, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useDeferredValue, useState } from 'react';
import { useInventory } from '../../api/hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { DataView } from '../../parts/data-view.tsx';
import { Mark } from '../../parts/mark.tsx';
import { EmptyState, Notice, QueryView } from '../../parts/notices.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { useNow } from '../../parts/use-now.ts';
import { oneOf, useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';
import { filterData } from './filter-data.ts';
import { InventoryChanges } from './inventory-changes.tsx';
import { sectionSummary } from './section-summary.ts';
import { bySectionOrder, sectionTitle } from './section-title.ts';

const t = texts.inventory;
type Section = InventoryReply['sections'][number];
const VIEWS = ['sections', 'changes'] as const;

/** A section that could not be read says so instead of its data. */
function unavailableReason(data: unknown): string | null {
  if (typeof data !== 'object' || data === null || !('unavailable' in data)) return null;
  return typeof data.unavailable === 'string' ? data.unavailable : '';
}

function SectionCard({ section, searched }: { readonly section: Section; readonly searched: string }) {
  const now = useNow();
  const reason = unavailableReason(section.data);
  const data = searched === '' ? section.data : filterData(section.data, searched);
  if (data === undefined) return null;
  const summary = sectionSummary(section.name, section.data, now);
  return (
    <section
      className="hb-card hb-inventory-section"
      id={`section-${section.name}`}
      aria-label={sectionTitle(section.name)}
    >
      <div className="hb-section-head">
        <h3 className="hb-section-title">
          {sectionTitle(section.name)}
          {Array.isArray(data) ? <span className="hb-quiet hb-small"> {texts.words.items(data.length)}</span> : null}
        </h3>
        {summary === null ? null : <Mark tone={summary.tone} word={summary.text} />}
        <span className="hb-quiet hb-small">
          {t.changed} <RelativeTime at={section.changedAt} />
        </span>
      </div>
      <div className="hb-section-body">
        {reason === null ? (
          <DataView value={data} label={sectionTitle(section.name)} />
        ) : (
          <p className="hb-quiet">
            {t.unavailable}: <span className="hb-foreign">{visibleLine(reason)}</span>
          </p>
        )}
      </div>
    </section>
  );
}

function Sections({ sections, searched }: { readonly sections: readonly Section[]; readonly searched: string }) {
  const isAnyLeft = searched === '' || sections.some((section) => filterData(section.data, searched) !== undefined);
  if (sections.length === 0) return <EmptyState title={t.title}>{t.empty}</EmptyState>;
  return (
    <div className="hb-inventory">
      <nav className="hb-inventory-nav" aria-label={t.sections}>
        {sections.map((section) => (
          <a key={section.name} href={`#section-${section.name}`}>
            {sectionTitle(section.name)}
          </a>
        ))}
      </nav>
      <div className="hb-stack">
        {isAnyLeft ? null : <Notice tone="idle">{t.noMatch}</Notice>}
        {sections.map((section) => (
          <SectionCard key={section.name} section={section} searched={searched} />
        ))}
      </div>
    </div>
  );
}

function SectionsView({ nodeId, typed }: { readonly nodeId: string; readonly typed: string }) {
  const inventory = useInventory(nodeId);
  const searched = useDeferredValue(typed.trim().toLowerCase());
  return (
    <QueryView query={inventory}>
      {({ sections }) => <Sections sections={sections.toSorted(bySectionOrder)} searched={searched} />}
    </QueryView>
  );
}

export function InventoryTab({ nodeId }: { readonly nodeId: string }) {
  const [search, setSearch] = useSearchState();
  const view = oneOf(search['view'], VIEWS);
  const [typed, setTyped] = useState('');
  return (
    <div className="hb-stack">
      <div className="hb-filters">
        <SegmentedControl
          className="hb-filter-tail"
          value={view}
          aria-label={t.title}
          onChange={(value) => setSearch({ view: value === 'sections' ? '' : value })}
          data={[
            { value: 'sections', label: t.sections },
            { value: 'changes', label: t.changes },
          ]}
        />
        {view === 'sections' ? (
          <TextInput
            className="hb-filter-wide"
            type="search"
            aria-label={t.search}
            placeholder={t.search}
            leftSection={<IconSearch size={16} aria-hidden />}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        ) : null}
      </div>
      {view === 'sections' ? <SectionsView nodeId={nodeId} typed={typed} /> : <InventoryChanges nodeId={nodeId} />}
    </div>
  );
}
