/** The node's local policy: its form and the decision whether an order is allowed. Pure. */
export * from './decide.ts';
export * from './linear-pattern.ts';
export * from './network-address.ts';
export * from './node-policy.ts';
export * from './parse-node-policy.ts';
