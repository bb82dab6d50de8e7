/** Webhooks: who is told what, how it stands with each, and what was sent; owners only. */
import type { WebhookRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useState } from 'react';
import { keys, useMe } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { useWebhooks } from '../../api/time-hooks.ts';
import { DeleteDialog } from '../../parts/delete-dialog.tsx';
import { ListView } from '../../parts/list-view.tsx';
import { Notice } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { texts } from '../../texts/index.ts';
import { DeliveryTable } from './delivery-table.tsx';
import { WebhookDialog } from './webhook-dialog.tsx';
import { WebhookTable } from './webhook-table.tsx';

const t = texts.webhooks;

export default function WebhooksPage() {
  const { api } = useServices();
  const me = useMe();
  const isOwner = me.data?.may.own === true;
  const webhooks = useWebhooks(isOwner);
  const [isMaking, setIsMaking] = useState(false);
  const [removing, setRemoving] = useState<WebhookRow | null>(null);
  const [openedId, setOpenedId] = useState<string | null>(null);
  const opened = webhooks.data?.find(({ id }) => id === openedId);
  if (me.data !== undefined && !isOwner)
    return (
      <Page title={t.title} isNarrow>
        <Notice tone="idle">{t.ownersOnly}</Notice>
      </Page>
    );
  const make = <Button onClick={() => setIsMaking(true)}>{t.make}</Button>;
  return (
    <Page title={t.title} lead={t.lead} actions={make}>
      <ListView query={webhooks} what={t.title} none={{ title: t.none, text: t.noneText, action: make }}>
        {(rows) => <WebhookTable rows={rows} onRemove={setRemoving} onOpen={(hook) => setOpenedId(hook.id)} />}
      </ListView>
      {opened === undefined ? null : <DeliveryTable key={opened.id} hook={opened} />}
      {isMaking ? <WebhookDialog onClose={() => setIsMaking(false)} /> : null}
      {removing === null ? null : (
        <DeleteDialog
          title={t.removeTitle(removing.name)}
          remove={() => api.removeWebhook(removing.id)}
          list={keys.webhooks}
          onClose={() => setRemoving(null)}
        >
          <p>{t.removeText}</p>
        </DeleteDialog>
      )}
    </Page>
  );
}
