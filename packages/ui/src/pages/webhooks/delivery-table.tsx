import type { WebhookDelivery, WebhookRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { useDeliveries } from '../../api/time-hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ListView } from '../../parts/list-view.tsx';
import { Mark, type Tone } from '../../parts/mark.tsx';
import { ErrorNotice } from '../../parts/notices.tsx';
import { Table } from '../../parts/table.tsx';
import { DateTime, RelativeTime } from '../../parts/time-text.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.webhooks;
const TONES: Readonly<Record<WebhookDelivery['state'], Tone>> = { due: 'busy', delivered: 'ok', dead: 'bad' };

function About({ delivery: { event, runId, nodeId } }: { readonly delivery: WebhookDelivery }) {
  const name = visibleLine(event, 40);
  if (runId !== null) return <Link to={paths.run(runId)}>{name}</Link>;
  return nodeId === null ? name : <Link to={paths.node(nodeId)}>{name}</Link>;
}

function DeliveryLine({
  delivery,
  isBusy,
  onAgain,
}: {
  readonly delivery: WebhookDelivery;
  readonly isBusy: boolean;
  readonly onAgain: () => void;
}) {
  const { state, says, status, attempts, nextAt, happenedAt } = delivery;
  return (
    <tr>
      <td>
        <About delivery={delivery} />
      </td>
      <td data-end>
        <Mark tone={TONES[state]} word={t.deliveryStates[state]} />{' '}
        {nextAt === null || attempts === 0 ? null : (
          <span className="hb-quiet hb-small">
            <RelativeTime at={nextAt} />
          </span>
        )}
      </td>
      <td data-label={t.happened}>
        <DateTime at={happenedAt} />
      </td>
      <td data-label={t.tried} className="hb-number">
        {attempts}
      </td>
      <td data-wide className="hb-small hb-foreign">
        {visibleLine(says ?? (status === null ? '' : String(status)), 300)}
      </td>
      <td data-end className="hb-number">
        {state === 'due' ? null : (
          <Button size="compact-sm" variant="default" loading={isBusy} onClick={onAgain}>
            {t.again}
          </Button>
        )}
      </td>
    </tr>
  );
}

/** What one webhook has sent and has to send; what is over can be sent again, one by one or all that was given up. */
export function DeliveryTable({ hook }: { readonly hook: WebhookRow }) {
  const { api } = useServices();
  const client = useQueryClient();
  const deliveries = useDeliveries(hook.id);
  const again = useMutation({
    mutationFn: (deliveryId: string | null) => api.redeliver(hook.id, deliveryId === null ? {} : { deliveryId }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.webhooks }),
  });
  const place = useRef<HTMLElement | null>(null);
  useEffect(() => {
    // What it gives back is nothing to clean up by.
    place.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  const columns = [
    { key: 'event', title: t.event },
    { key: 'state', title: t.state },
    { key: 'happened', title: t.happened },
    { key: 'tried', title: t.tried, isNumber: true },
    { key: 'last', title: t.last },
    { key: 'acts', title: '' },
  ];
  return (
    <section ref={place} className="hb-stack" aria-label={t.deliveriesOf(hook.name)}>
      <div className="hb-row hb-spread">
        <h2 className="hb-section-title">{t.deliveriesOf(visibleLine(hook.name, 40))}</h2>
        {hook.dead === 0 ? null : (
          <Button
            size="compact-sm"
            loading={again.isPending && again.variables === null}
            onClick={() => again.mutate(null)}
          >
            {t.allAgain(hook.dead)}
          </Button>
        )}
      </div>
      {again.error === null ? null : <ErrorNotice error={again.error} />}
      <ListView
        query={{ ...deliveries, data: deliveries.data?.deliveries }}
        what={t.deliveries}
        none={{ title: t.noDeliveries }}
      >
        {(rows) => (
          <Table label={t.deliveriesOf(hook.name)} columns={columns}>
            {rows.map((delivery) => (
              <DeliveryLine
                key={delivery.id}
                delivery={delivery}
                isBusy={again.isPending && again.variables === delivery.id}
                onAgain={() => again.mutate(delivery.id)}
              />
            ))}
          </Table>
        )}
      </ListView>
    </section>
  );
}
