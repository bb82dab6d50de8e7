/**
 * Whose keys may approve what is dangerous on this node: the policy bundle that it holds, kept durably, and the check of
 * an order's approvals against it. The executor's room: nothing here believes the link process. May not import link/.
 */
export { createBundleFile } from './bundle-file.ts';
export { BundleStore, type HeldBundle } from './bundle-store.ts';
export { checkApprovals } from './check-approvals.ts';
