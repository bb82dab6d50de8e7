/**
 * Whose keys this node obeys and whose may approve what is dangerous on it: the authority keys and the policy bundle that
 * it holds, kept durably, and the check of an order's approvals. The executor's room: nothing here believes the link
 * process. May not import link/.
 */
export { AuthorityStore } from './authority-store.ts';
export { BundleStore, type HeldBundle } from './bundle-store.ts';
export { checkApprovals } from './check-approvals.ts';
export type { Stored } from './hashed-file.ts';
export { createAuthorityFile, createBundleFile, createReceiptStepsFile } from './trust-files.ts';
