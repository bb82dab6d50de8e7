import type { RoleRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { DeleteDialog } from '../../parts/delete-dialog.tsx';
import { QueryView } from '../../parts/notices.tsx';
import { Table } from '../../parts/table.tsx';
import { texts } from '../../texts/index.ts';
import { matrixCell, MATRIX_COLUMNS } from './role-matrix.ts';
import { ruleSentence } from '../../parts/rule-words.ts';
import { useAllNodes } from './use-all-nodes.ts';

const t = texts.roles;

// The form is read only by those who make roles.
const RoleDialog = lazy(() => import('./role-dialog.tsx'));

function RoleLine({
  role,
  hostOf,
  onEdit,
  onDelete,
}: {
  readonly role: RoleRow;
  readonly hostOf: (id: string) => string;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
}) {
  const name = visibleLine(role.name, 64);
  return (
    <tr>
      <td data-wide>
        <strong className="hb-foreign">{name}</strong>
        {role.isBuiltIn ? <span className="hb-quiet"> {t.builtIn}</span> : null}
        {role.rules.map((rule) => (
          <div key={rule.name} className="hb-quiet hb-small hb-foreign">
            {ruleSentence(rule, hostOf)}
          </div>
        ))}
      </td>
      {MATRIX_COLUMNS.map((column) => {
        const cell = matrixCell(role.rules, column);
        return (
          <td key={column} data-label={t.columns[column]} data-none={cell === 'no' || undefined}>
            <span className={cell === 'yes' ? undefined : 'hb-quiet'} title={cell === 'part' ? t.partHint : undefined}>
              {t.cells[cell]}
            </span>
          </td>
        );
      })}
      <td data-label={t.people} className="hb-number">
        {role.people}
      </td>
      <td data-end className="hb-number">
        {role.isBuiltIn ? null : (
          <span className="hb-role-buttons">
            <Button size="compact-sm" variant="default" aria-label={`${t.edit} ${name}`} onClick={onEdit}>
              {t.edit}
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`${texts.words.delete} ${name}`}
              disabled={role.people > 0}
              title={role.people > 0 ? t.inUse(role.people) : undefined}
              onClick={onDelete}
            >
              {texts.words.delete}
            </Button>
          </span>
        )}
      </td>
    </tr>
  );
}

type Opened = { readonly kind: 'make' } | { readonly kind: 'edit' | 'delete'; readonly role: RoleRow };

/** Every role with what it grants, in words and as a matrix; those that owners make are changed here. */
export function RolesSection() {
  const { api } = useServices();
  const roles = useQuery({ queryKey: keys.roles, queryFn: () => api.roles() });
  const nodes = useAllNodes();
  const [opened, setOpened] = useState<Opened | null>(null);
  const hostOf = (id: string): string => nodes.data?.find((node) => node.id === id)?.hostName ?? id;
  const close = (): void => setOpened(null);
  return (
    <section className="hb-stack" aria-labelledby="hb-roles-title">
      <div className="hb-row hb-spread">
        <h2 className="hb-section-title" id="hb-roles-title">
          {t.title}
        </h2>
        <Button variant="default" disabled={roles.data === undefined} onClick={() => setOpened({ kind: 'make' })}>
          {t.make}
        </Button>
      </div>
      <p className="hb-quiet">{t.lead}</p>
      <QueryView query={roles} what={t.title}>
        {(rows) => (
          <div className="hb-card hb-roles">
            <Table
              label={t.tableLabel}
              columns={[
                { key: 'role', title: t.role },
                ...MATRIX_COLUMNS.map((key) => ({ key, title: t.columns[key] })),
                { key: 'people', title: t.people, isNumber: true },
                { key: 'open', title: '' },
              ]}
            >
              {rows.map((role) => (
                <RoleLine
                  key={role.name}
                  role={role}
                  hostOf={hostOf}
                  onEdit={() => setOpened({ kind: 'edit', role })}
                  onDelete={() => setOpened({ kind: 'delete', role })}
                />
              ))}
            </Table>
          </div>
        )}
      </QueryView>
      {opened?.kind === 'delete' ? (
        <DeleteDialog
          title={t.deleteTitle(visibleLine(opened.role.name, 64))}
          remove={() => api.deleteRole(opened.role.name)}
          list={keys.roles}
          onClose={close}
        >
          <p>{t.deleteText}</p>
        </DeleteDialog>
      ) : null}
      <Suspense>
        {opened === null || opened.kind === 'delete' ? null : (
          <RoleDialog
            role={opened.kind === 'edit' ? opened.role : null}
            taken={(roles.data ?? []).map(({ name }) => name)}
            onClose={close}
          />
        )}
      </Suspense>
    </section>
  );
}
