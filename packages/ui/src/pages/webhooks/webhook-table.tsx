import type { WebhookRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { toApiError } from '../../api/api-error.ts';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Mark } from '../../parts/mark.tsx';
import { Table } from '../../parts/table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.webhooks;

/** Sends a test, and says what the receiver answered. */
function useTest() {
  const { api } = useServices();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id }: WebhookRow) => api.testWebhook(id),
    onSuccess: async ({ state, status, says }, { name }) => {
      const isGood = state === 'delivered';
      const message = isGood ? t.testGood(name, status ?? 0) : visibleLine(says ?? '', 300);
      notifications.show({ message, color: isGood ? 'green' : 'red', autoClose: isGood });
      await client.invalidateQueries({ queryKey: keys.webhooks });
    },
    onError: (error) => notifications.show({ color: 'red', message: toApiError(error).detail }),
  });
}

function Standing({ hook: { due, dead, problem, lastDeliveredAt } }: { readonly hook: WebhookRow }) {
  return (
    <>
      <span className="hb-chips">
        {due === 0 ? null : <Mark tone={problem === null ? 'busy' : 'warn'} word={t.due(due)} />}
        {dead === 0 ? null : <Mark tone="bad" word={t.dead(dead)} />}
        {due + dead > 0 ? null : lastDeliveredAt === null ? (
          <Mark tone="idle" word={t.nothingYet} />
        ) : (
          <span>
            <Mark tone="ok" word={t.fine} /> <RelativeTime at={lastDeliveredAt} />
          </span>
        )}
      </span>
      {problem === null ? null : <div className="hb-small hb-foreign">{visibleLine(problem, 300)}</div>}
    </>
  );
}

interface HookActs {
  readonly isTesting: boolean;
  readonly onTest: () => void;
  readonly onOpen: () => void;
  readonly onRemove: () => void;
}

function HookButtons({ isTesting, onTest, onOpen, onRemove }: HookActs) {
  return (
    <span className="hb-row hb-end">
      <Button size="compact-sm" variant="default" loading={isTesting} onClick={onTest}>
        {t.test}
      </Button>
      <Button size="compact-sm" variant="default" onClick={onOpen}>
        {t.deliveries}
      </Button>
      <Button size="compact-sm" variant="default" onClick={onRemove}>
        {t.remove}
      </Button>
    </span>
  );
}

export function WebhookTable({
  rows,
  onRemove,
  onOpen,
}: {
  readonly rows: readonly WebhookRow[];
  readonly onRemove: (hook: WebhookRow) => void;
  readonly onOpen: (hook: WebhookRow) => void;
}) {
  const test = useTest();
  const columns = [
    { key: 'name', title: t.name },
    { key: 'state', title: t.state },
    { key: 'url', title: t.url },
    { key: 'events', title: t.events },
    { key: 'on', title: t.on },
    { key: 'acts', title: '' },
  ];
  return (
    <Table label={t.table} columns={columns}>
      {rows.map((hook) => (
        <tr key={hook.id}>
          <td>
            <strong className="hb-foreign">{visibleLine(hook.name, 40)}</strong>
          </td>
          <td data-wide>
            <Standing hook={hook} />
          </td>
          <td data-wide className="hb-mono hb-small hb-foreign">
            {visibleLine(hook.url, 200)}
          </td>
          <td data-wide className="hb-small">
            {hook.events.map((event) => visibleLine(event, 40)).join(', ')}
          </td>
          <td data-label={t.on} className="hb-small hb-foreign">
            {hook.on === null ? (
              <span className="hb-quiet">{t.anyNode}</span>
            ) : (
              <span className="hb-mono">{visibleLine(hook.on, 160)}</span>
            )}
          </td>
          <td data-end className="hb-number">
            <HookButtons
              isTesting={test.isPending && test.variables.id === hook.id}
              onTest={() => test.mutate(hook)}
              onOpen={() => onOpen(hook)}
              onRemove={() => onRemove(hook)}
            />
          </td>
        </tr>
      ))}
    </Table>
  );
}
