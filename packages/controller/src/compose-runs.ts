import type { ActionsService } from './actions/actions.service.ts';
import type { Shared } from './compose-people.ts';
import type { Database } from './db/index.ts';
import type { NodesService } from './nodes/nodes.service.ts';
import { createCancelOrders } from './runs/cancel-orders.ts';
import { createDispatchService, type OrderLinks } from './runs/dispatch.service.ts';
import { createExpiryService } from './runs/expiry.service.ts';
import { createLateOrders } from './runs/late-orders.ts';
import { createLeaseOrders } from './runs/lease-orders.ts';
import { createOpenOrders } from './runs/open-orders.ts';
import { createOrderBeat } from './runs/order-beat.ts';
import { createOrderQueueRepository } from './runs/order-queue.repository.ts';
import { createRolloutRepository } from './runs/rollout.repository.ts';
import type { JudgeRelease, ReadHealth } from './runs/rollout-parts.ts';
import { createRolloutService } from './runs/rollout.service.ts';
import { createRunControl } from './runs/run-control.service.ts';
import { createRunViewsRepository } from './runs/run-views.repository.ts';
import { createRunViews } from './runs/run-views.service.ts';
import { createSupersedeRepository } from './runs/supersede.repository.ts';
import { createSupersede } from './runs/supersede.service.ts';
import { createReceiptsService, type ReceiptsParts } from './runs/receipts.service.ts';
import { createRunEvents } from './runs/run-events.ts';
import { createRunTargetsRepository } from './runs/run-targets.repository.ts';
import { createRunsRepository } from './runs/runs.repository.ts';
import { createRunsService, readRunRows } from './runs/runs.service.ts';
import { createSigningService } from './runs/signing-queue.service.ts';
import type { OrderSigner } from './runs/sign-orders.ts';
import type { RunApprovals } from './runs/start-run.service.ts';
import { createUndoRunRepository } from './runs/undo-run.repository.ts';
import { createWaitingRunsRepository } from './runs/waiting-runs.repository.ts';
import type { Windows } from './runs/window-rule.service.ts';
import { createWaitingRuns } from './runs/waiting-runs.service.ts';

export interface RunNeeds {
  readonly controllerId: string;
  readonly signer: OrderSigner;
  readonly approvals: RunApprovals;
  readonly actions: ActionsService;
  readonly nodes: NodesService;
  readonly links: OrderLinks;
  /** Is any page open? */
  readonly isWatched: () => boolean;
  /** How nodes are, between two waves. */
  readonly health: ReadHealth;
  /** May it still be done in the name of who asked? */
  readonly judgeRelease: JudgeRelease;
  /** When nodes may be changed. */
  readonly windows: Windows;
  readonly shellReceipt: ReceiptsParts['shellReceipt'];
}

/** Runs, from the request to the receipt. */
export function createRuns(shared: Shared, database: Database, needs: RunNeeds) {
  const { clock, log } = shared;
  const { nodes } = needs;
  const repositories = {
    runs: createRunsRepository(database),
    targets: createRunTargetsRepository(database),
    queue: createOrderQueueRepository(database),
    rollouts: createRolloutRepository(database),
    undos: createUndoRunRepository(),
    views: createRunViewsRepository(database),
    superseding: createSupersedeRepository(),
  };
  const readRows = (ids: readonly string[]) => readRunRows(repositories.runs, ids);
  const events = createRunEvents({ clock, readRows, isWatched: needs.isWatched, log });
  const base = {
    ...shared,
    ...needs,
    ...repositories,
    events,
    open: createOpenOrders(),
    hostNameOf: async (id: string) => (await nodes.hostNames([id])).get(id) ?? id,
  };
  const dispatch = createDispatchService({ ...base, lease: createLeaseOrders(base) });
  const signing = createSigningService({ ...base, dispatch });
  const supersede = createSupersede(base);
  const runs = createRunsService({ ...base, dispatch, signing, supersede });
  const runViews = createRunViews(base);
  const runControl = createRunControl({ ...base, start: runs.again, ordersOfCause: runViews.ordersOfCause });
  const rollout = createRolloutService({ ...base, signing });
  const waitingRuns = createWaitingRuns({ ...base, waiting: createWaitingRunsRepository(), signing });
  const findNode = (nodeId: string) => nodes.find(nodeId);
  const receipts = createReceiptsService({ ...base, findNode, receiptSigner: nodes.receiptSigner });
  const expiry = createExpiryService(base);
  const orderBeat = createOrderBeat({ dispatch, signing, late: createLateOrders({ ...base, dispatch }) }, clock, log);
  return {
    runs,
    runControl,
    runViews,
    rollout,
    waitingRuns,
    dispatch,
    signing,
    receipts,
    expiry,
    orderBeat,
    events,
    cancelOrders: createCancelOrders(base),
  };
}
