import type { TokenRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { DeleteDialog } from '../../parts/delete-dialog.tsx';
import { QueryView } from '../../parts/notices.tsx';
import { scopeWords } from '../../parts/rule-words.ts';
import { Table } from '../../parts/table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';
import { NewToken } from './new-token.tsx';

const t = texts.account;

function TokenLine({ token, onDelete }: { readonly token: TokenRow; readonly onDelete: () => void }) {
  return (
    <tr>
      <td>
        <span className="hb-foreign">{visibleLine(token.name, 128)}</span>
      </td>
      <td data-label={t.scope} className="hb-quiet hb-foreign">
        {scopeWords(token.scope)}
      </td>
      <td data-label={t.made} className="hb-quiet">
        <RelativeTime at={token.createdAt} />
      </td>
      <td data-label={t.expires} className="hb-quiet">
        <RelativeTime at={token.expiresAt} />
      </td>
      <td data-label={t.lastUsed} className="hb-quiet">
        <RelativeTime at={token.lastUsedAt} />
      </td>
      <td data-end className="hb-number">
        <Button size="compact-sm" variant="default" onClick={onDelete}>
          {texts.words.delete}
        </Button>
      </td>
    </tr>
  );
}

export function ApiTokens() {
  const { api } = useServices();
  const tokens = useQuery({ queryKey: keys.tokens, queryFn: () => api.tokens() });
  const [leaving, setLeaving] = useState<TokenRow | null>(null);
  const columns = [
    { key: 'name', title: t.tokenName },
    { key: 'scope', title: t.scope },
    { key: 'made', title: t.made },
    { key: 'expires', title: t.expires },
    { key: 'used', title: t.lastUsed },
    { key: 'delete', title: '' },
  ];
  return (
    <section className="hb-stack">
      <h2 className="hb-section-title">{t.tokens}</h2>
      <p className="hb-quiet">{t.tokensText}</p>
      <NewToken />
      <div className="hb-card">
        <QueryView query={tokens}>
          {(rows) =>
            rows.length === 0 ? (
              <p className="hb-quiet hb-card-pad">{t.noTokens}</p>
            ) : (
              <Table label={t.tableLabel} columns={columns}>
                {rows.map((token) => (
                  <TokenLine key={token.id} token={token} onDelete={() => setLeaving(token)} />
                ))}
              </Table>
            )
          }
        </QueryView>
      </div>
      {leaving === null ? null : (
        <DeleteDialog
          title={t.deleteTitle(visibleLine(leaving.name, 60))}
          remove={() => api.deleteToken(leaving.id)}
          list={keys.tokens}
          onClose={() => setLeaving(null)}
        >
          <p>{t.deleteText}</p>
        </DeleteDialog>
      )}
    </section>
  );
}
