import type { ActionsService } from './actions/actions.service.ts';
import type { Shared } from './compose-people.ts';
import type { Database } from './db/index.ts';
import type { NodesService } from './nodes/nodes.service.ts';
import { createCancelOrders } from './runs/cancel-orders.ts';
import { createDispatchService, type OrderLinks } from './runs/dispatch.service.ts';
import { createExpiryService } from './runs/expiry.service.ts';
import { createOpenOrders } from './runs/open-orders.ts';
import { createOrderBeat } from './runs/order-beat.ts';
import { createOrderQueueRepository } from './runs/order-queue.repository.ts';
import { createReceiptsService, type ReceiptsParts } from './runs/receipts.service.ts';
import { createRunEvents } from './runs/run-events.ts';
import { createRunTargetsRepository } from './runs/run-targets.repository.ts';
import { createRunsRepository } from './runs/runs.repository.ts';
import { createRunsService, readRunRows } from './runs/runs.service.ts';
import { createSigningService } from './runs/signing-queue.service.ts';
import type { OrderSigner } from './runs/sign-orders.ts';
import type { RunApprovals } from './runs/start-run.service.ts';
import { createWaitingRunsRepository } from './runs/waiting-runs.repository.ts';
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
  };
  const readRows = (ids: readonly string[]) => readRunRows(repositories.runs, ids);
  const events = createRunEvents({ clock, readRows, isWatched: needs.isWatched });
  const base = {
    ...shared,
    ...needs,
    ...repositories,
    events,
    open: createOpenOrders(),
    hostNameOf: async (id: string) => (await nodes.hostNames([id])).get(id) ?? id,
  };
  const dispatch = createDispatchService(base);
  const signing = createSigningService({ ...base, dispatch });
  const runs = createRunsService({ ...base, dispatch, signing });
  const waitingRuns = createWaitingRuns({ ...base, waiting: createWaitingRunsRepository(), signing });
  const findNode = (nodeId: string) => nodes.find(nodeId);
  const receipts = createReceiptsService({ ...base, findNode });
  const expiry = createExpiryService(base);
  const orderBeat = createOrderBeat({ dispatch, signing }, clock, log);
  return {
    runs,
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
