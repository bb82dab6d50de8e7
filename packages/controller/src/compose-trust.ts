import { approvalsNeeded } from '@hauban/link';
import { ACTIONS } from '@hauban/shared/actions';
import type { Bundle } from '@hauban/shared/protocol';
import type { Shared } from './compose-people.ts';
import type { Database } from './db/index.ts';
import { allowedOrigins } from './http/index.ts';
import { parseRules } from './people/parse-rules.ts';
import { passkeySite } from './people/passkeys.ts';
import { createRolesRepository } from './people/roles.repository.ts';
import type { RunApprovals } from './runs/start-run.service.ts';
import type { ShellApprovals } from './shells/shell-approval.ts';
import { bundleProblem } from './signer/index.ts';
import { createApprovalsRepository } from './trust/approvals.repository.ts';
import { ApprovalsService, type WaitingRuns } from './trust/approvals.service.ts';
import { createAuthorityRepository } from './trust/authority.repository.ts';
import { AuthorityService, type AuthorityParts } from './trust/authority.service.ts';
import { createApprovers, type ApproverParts } from './trust/approvers.ts';
import { createBundlesRepository } from './trust/bundles.repository.ts';
import { draftBundle } from './trust/draft-bundle.ts';
import type { LinkKeysService } from './trust/link-keys.service.ts';
import { TrustService, type TrustParts } from './trust/trust.service.ts';

export interface BundleNeeds {
  readonly controllerId: string;
  readonly publicUrl: URL;
  readonly signer: TrustParts['signer'] & AuthorityParts['signer'];
  readonly linkKeys: LinkKeysService;
  readonly links: TrustParts['links'];
}

export interface TrustNeeds extends BundleNeeds {
  readonly hostNames: (nodeIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** Asked when it is there: runs need approvals, and approvals end runs. */
  readonly waitingRuns: () => WaitingRuns;
  readonly people: Pick<ApproverParts, 'rightsOf' | 'prove'>;
  readonly targetsOf: ApproverParts['targetsOf'];
}

/** How long people have to approve what waits for them. */
const WAIT_MS = 15 * 60_000;
/** By what `approvalsNeeded` decides; the rest of an order is of no matter to it. */
type Judged = Parameters<typeof approvalsNeeded>[0];

/** The policy bundle and the authority key; all that a command needs beside a running controller. */
export function createBundles(shared: Shared, database: Database, needs: BundleNeeds) {
  const { controllerId, publicUrl, signer, links, linkKeys } = needs;
  const approvals = createApprovalsRepository(database);
  const repository = createBundlesRepository(database);
  const roles = createRolesRepository(database);
  const site = passkeySite(publicUrl, allowedOrigins(publicUrl));
  const authority = new AuthorityService({
    ...shared,
    controllerId,
    signer,
    approvals,
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
    madeRoles: async () => new Map((await roles.list()).map(({ name, rules }) => [name, parseRules(rules)])),
    repository,
    approvals,
    site,
  });
  /** Passkeys of accounts, in the shape of a bundle; null: they do not work at this address. */
  const registered = async (): Promise<Bundle | null> => {
    if (site === null) return null;
    const people = await repository.candidates();
    const at = shared.clock.nowMs();
    return draftBundle({}, { controllerId, current: null, people, madeRoles: new Map(), site, at });
  };
  return { authority, bundles, registered };
}

/** The policy bundle, and what waits for people. */
export function createTrust(shared: Shared, database: Database, needs: TrustNeeds) {
  const { hostNames } = needs;
  const { authority, bundles, registered } = createBundles(shared, database, needs);
  const approvers = createApprovers({
    ...shared,
    ...needs.people,
    targetsOf: needs.targetsOf,
    current: () => bundles.current,
    registered,
  });
  const approvals = new ApprovalsService({
    ...shared,
    repository: createApprovalsRepository(database),
    hostNames,
    approvers,
    current: () => bundles.current,
    runs: needs.waitingRuns,
    actionTitle: (name) => ACTIONS.get(name)?.title ?? name,
  });

  const needed = (order: Judged, isHighRisk: boolean, byAnother: boolean) => {
    const bundle: Bundle | null = bundles.current;
    const waitMs = Math.min(WAIT_MS, bundle?.limits.queuedMs ?? WAIT_MS);
    return { count: Math.max(approvalsNeeded(order, bundle, isHighRisk), byAnother ? 1 : 0), waitMs };
  };
  const runApprovals: RunApprovals = {
    // A plan changes nothing.
    neededFor: ({ isHighRisk, mode, byAnother }) =>
      needed({ kind: 'action', mode } as Judged, isHighRisk, byAnother && mode !== 'plan'),
    ask: (tx, asked) => approvals.ask(tx, asked),
  };
  const shellApprovals: ShellApprovals = {
    neededFor: (user, byAnother) => needed({ kind: 'shell', user } as Judged, false, byAnother),
    shellsOf: (requesterId) => approvals.shellsOf(requesterId),
    ask: (asked) => shared.transaction(async (tx) => approvals.ask(tx, asked)),
    use: (id) => approvals.use(id),
  };
  return { bundles, authority, approvals, runApprovals, shellApprovals };
}
