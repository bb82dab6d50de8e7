/** The node's local policy: its form and the decision whether an order is allowed. Pure. */
export * from './node-policy.ts';
