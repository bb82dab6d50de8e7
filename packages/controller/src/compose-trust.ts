import { approvalsNeeded } from '@hauban/link';
import { ACTIONS } from '@hauban/shared/actions';
import type { Bundle } from '@hauban/shared/protocol';
import type { Shared } from './compose-people.ts';
import type { Database } from './db/index.ts';
import { allowedOrigins } from './http/index.ts';
import { passkeySite } from './people/passkeys.ts';
import type { RunApprovals } from './runs/start-run.service.ts';
import type { ShellApprovals } from './shells/shell-approval.ts';
import { bundleProblem } from './signer/index.ts';
import { createApprovalsRepository } from './trust/approvals.repository.ts';
import { ApprovalsService, type WaitingRuns } from './trust/approvals.service.ts';
import { createAuthorityRepository } from './trust/authority.repository.ts';
import { AuthorityService, type AuthorityParts } from './trust/authority.service.ts';
import { createBundlesRepository } from './trust/bundles.repository.ts';
import type { LinkKeysService } from './trust/link-keys.service.ts';
import { TrustService, type TrustParts } from './trust/trust.service.ts';

export interface TrustNeeds {
  readonly controllerId: string;
  readonly publicUrl: URL;
  readonly signer: TrustParts['signer'] & AuthorityParts['signer'];
  readonly linkKeys: LinkKeysService;
  readonly links: TrustParts['links'];
  readonly hostNames: (nodeIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** Asked when it is there: runs need approvals, and approvals end runs. */
  readonly waitingRuns: () => WaitingRuns;
}

/** How long people have to approve what waits for them. */
const WAIT_MS = 15 * 60_000;
/** By what `approvalsNeeded` decides; the rest of an order is of no matter to it. */
type Judged = Parameters<typeof approvalsNeeded>[0];

/** The policy bundle, and what waits for people. */
export function createTrust(shared: Shared, database: Database, needs: TrustNeeds) {
  const { controllerId, publicUrl, signer, links, hostNames, linkKeys } = needs;
  const repository = createApprovalsRepository(database);
  const authority = new AuthorityService({
    ...shared,
    controllerId,
    signer,
    approvals: repository,
    repository: createAuthorityRepository(database),
    bundle: () => bundles.current,
  });
  const bundles: TrustService = new TrustService({
    authority,
    linkKeys,
    ...shared,
    controllerId,
    signer,
    links,
    problemOf: bundleProblem,
    repository: createBundlesRepository(database),
    approvals: repository,
    site: passkeySite(publicUrl, allowedOrigins(publicUrl)),
  });
  const approvals = new ApprovalsService({
    ...shared,
    repository,
    hostNames,
    current: () => bundles.current,
    runs: needs.waitingRuns,
    actionTitle: (name) => ACTIONS.get(name)?.title ?? name,
  });

  const needed = (order: Judged, isHighRisk: boolean) => {
    const bundle: Bundle | null = bundles.current;
    const waitMs = Math.min(WAIT_MS, bundle?.limits.queuedMs ?? WAIT_MS);
    return { count: approvalsNeeded(order, bundle, isHighRisk), waitMs };
  };
  const runApprovals: RunApprovals = {
    neededFor: ({ isHighRisk, mode }) => needed({ kind: 'action', mode } as Judged, isHighRisk),
    ask: (tx, asked) => approvals.ask(tx, asked),
  };
  const shellApprovals: ShellApprovals = {
    neededFor: (user) => needed({ kind: 'shell', user } as Judged, false),
    shellsOf: (requesterId) => approvals.shellsOf(requesterId),
    ask: (asked) => shared.transaction(async (tx) => approvals.ask(tx, asked)),
    use: (id) => approvals.use(id),
  };
  return { bundles, authority, approvals, runApprovals, shellApprovals };
}
