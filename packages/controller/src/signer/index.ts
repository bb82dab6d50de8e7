/**
 * The signer: a process of its own that holds the authority key. The rest of the controller can ask it to sign over a
 * Unix socket and never sees the key; the signer judges each order by itself, by limits of its own, and knows neither
 * database nor network. Both ends live here: `signer-server` in the signer's process, `signer-client` in the controller's.
 */
export { allowLinkStep } from './allowed-step.ts';
export { bundleProblem } from './bundle-rules.ts';
export { goesByPlace } from './sign-access.ts';
export { createSignerClient, type SignerClient } from './signer-client.ts';
export { runSigner } from './run-signer.ts';
