/**
 * The executor: root, no network, and it believes nothing but the authority's signature and this node's policy file. It
 * checks each order, carries it out once, and leaves a signed receipt. May not import link/, sampler/ or spool/.
 */
export * from './check-order.ts';
export * from './executor-log.ts';
export * from './executor-server.ts';
export * from './local-policy.ts';
export * from './receipt-key-files.ts';
export * from './receipt-keys.ts';
export * from './run-executor.ts';
