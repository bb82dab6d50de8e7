import { Modal } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useId, useMemo, useState, type KeyboardEvent } from 'react';
import { useActions, useNodePage } from '../api/hooks.ts';
import { texts } from '../texts/index.ts';
import './command-palette.css';
import { paletteItems, type PaletteItem } from './palette-items.ts';

const SEARCH_DELAY_MS = 120;

const takeFocus = (field: HTMLInputElement | null): void => field?.focus();

/** Called when an item becomes the marked one. */
const bringIntoView = (item: HTMLElement | null): void => item?.scrollIntoView({ block: 'nearest' });

function Items({
  items,
  active,
  listId,
  onPick,
}: {
  readonly items: readonly PaletteItem[];
  readonly active: number;
  readonly listId: string;
  readonly onPick: (item: PaletteItem) => void;
}) {
  return (
    <div className="hb-palette-list" role="listbox" id={listId} aria-label={texts.palette.title}>
      {items.map((item, at) => (
        <div key={item.key}>
          {items[at - 1]?.group === item.group ? null : (
            <div className="hb-palette-group" aria-hidden>
              {item.group}
            </div>
          )}
          {/* The keyboard is handled by the field that owns this list (aria-activedescendant). */}
          {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus */}
          <div
            ref={at === active ? bringIntoView : undefined}
            id={`${listId}-${at}`}
            role="option"
            aria-selected={at === active}
            className="hb-palette-item"
            onClick={() => onPick(item)}
          >
            <span className="hb-foreign">{item.title}</span>
            <span className="hb-palette-detail hb-foreign">{item.detail}</span>
          </div>
        </div>
      ))}
    </div>
  );
}

function PaletteBody({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate();
  const listId = useId();
  const [typed, setTyped] = useState('');
  const [active, setActive] = useState(0);
  const [searched] = useDebouncedValue(typed.trim(), SEARCH_DELAY_MS);
  const nodes = useNodePage({ limit: 8, ...(searched === '' ? {} : { search: searched }) });
  const actions = useActions();
  const items = useMemo(
    () => paletteItems(typed.trim(), nodes.data?.nodes ?? [], actions.data ?? []),
    [typed, nodes.data, actions.data],
  );
  const at = Math.min(active, Math.max(0, items.length - 1));

  const pick = (item: PaletteItem): void => {
    onClose();
    void navigate({ to: item.path });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && items.length > 0) {
      event.preventDefault();
      setActive((at + step + items.length) % items.length);
    }
    const chosen = items[at];
    if (event.key === 'Enter' && chosen !== undefined) {
      event.preventDefault();
      pick(chosen);
    }
  };
  return (
    <>
      <input
        // At once, not after the dialog's own turn: who presses Ctrl-K goes on typing.
        ref={takeFocus}
        className="hb-palette-input"
        role="combobox"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={items.length === 0 ? undefined : `${listId}-${at}`}
        aria-label={texts.palette.title}
        placeholder={texts.palette.placeholder}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
        data-autofocus
        autoComplete="off"
        spellCheck={false}
      />
      {items.length === 0 ? (
        <p className="hb-palette-none">{texts.palette.none}</p>
      ) : (
        <Items items={items} active={at} listId={listId} onPick={pick} />
      )}
      <p className="hb-palette-foot">{texts.palette.hint}</p>
    </>
  );
}

/** Ctrl-K: one field to go anywhere. */
export function CommandPalette({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      withCloseButton={false}
      padding={0}
      size={580}
      yOffset="10vh"
      aria-label={texts.palette.title}
      transitionProps={{ duration: 0 }}
    >
      <PaletteBody onClose={onClose} />
    </Modal>
  );
}
