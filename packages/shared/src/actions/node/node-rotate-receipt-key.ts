import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';

const Args = Type.Object({}, { additionalProperties: false });

export const nodeRotateReceiptKey = defineAction({
  name: 'node.rotate-receipt-key',
  version: 1,
  title: 'Replace the receipt key',
  docs: `Replaces the key that the node signs its receipts and recordings with, as it does by itself every day: for when somebody may have read it. The new key is signed for by the one before; receipts of orders that were given before it stay good. There is nothing to undo.`,
  risk: 'low',
  roles: [],
  needsRoot: false,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 30_000,
  programs: [],
  locks: () => ['receipt-key'],
  plan: (host) =>
    planChanges(host, async (planner) => {
      const { version } = await host.queries.ask('node.receipt-key', {});
      planner.add({
        kind: 'task',
        task: 'node.rotate-receipt-key',
        args: { version: version + 1 },
        title: `Make receipt key ${version + 1}`,
        when: 'apply',
        irreversible: true,
      });
    }),
  async verify(host, _args, changes) {
    const wanted = changes.flatMap((change) =>
      change.kind === 'task' && change.task === 'node.rotate-receipt-key' && 'version' in change.args
        ? [Number(change.args.version)]
        : [],
    )[0];
    if (wanted === undefined) return [];
    const { version, key } = await host.queries.ask('node.receipt-key', {});
    return [{ name: 'Another receipt key', ok: version >= wanted, saw: `receipt key ${version}: ${key}` }];
  },
});
