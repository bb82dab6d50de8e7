import { Modal } from '@mantine/core';
import { Fragment, type ReactNode } from 'react';
import { texts } from '../texts/index.ts';

const { rows, and, or, palette, enter, escape } = texts.keyHelp;

const Key = ({ name }: { readonly name: string }) => <kbd>{name}</kbd>;
const both = (first: string, word: string, second: string): ReactNode => (
  <>
    <Key name={first} /> {word} <Key name={second} />
  </>
);

/** Key names are what is printed on the keys. */
const ROWS: readonly (readonly [keys: ReactNode, says: string])[] = [
  [<Key key="p" name={palette} />, rows.palette],
  [<Key key="s" name="/" />, rows.search],
  [both('j', or, 'k'), rows.move],
  [<Key key="o" name={enter} />, rows.open],
  [both('g', and, 'f'), rows.fleet],
  [both('g', and, 'x'), rows.actions],
  [both('g', and, 'r'), rows.runs],
  [both('g', and, 's'), rows.schedules],
  [both('g', and, 'o'), rows.pools],
  [both('g', and, 'b'), rows.bans],
  [both('g', and, 'p'), rows.recordings],
  [both('g', and, 'a'), rows.audit],
  [both('g', and, 'v'), rows.approvals],
  [<Key key="h" name="?" />, rows.help],
  [<Key key="c" name={escape} />, rows.close],
];

export function KeyHelp({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={texts.keyHelp.title}
      closeButtonProps={{ 'aria-label': texts.words.close }}
    >
      <div className="hb-keys">
        {ROWS.map(([keys, says]) => (
          <Fragment key={says}>
            <span>{keys}</span>
            <span>{says}</span>
          </Fragment>
        ))}
      </div>
    </Modal>
  );
}
