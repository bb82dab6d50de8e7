import { createDisposableNode } from './disposable-node.ts';
import { createFullNode } from './full-node.ts';
import { createLabNetwork } from './lab-network.ts';

/** Run by `clean-stale-lab.test.ts` as a process of its own: stands up one node of each kind and waits to be killed. */
const network = await createLabNetwork();
const node = await createDisposableNode({ name: 'left', network, peer: true, phpRoots: ['8.4'] });
await node.spawn('/usr/bin/sleep', ['600']);
await network.spawn('/usr/bin/sleep', ['600'], { as: { uid: 65_534, gid: 65_534 } });
await createFullNode({ name: 'left-full', network });
process.stdout.write('standing\n');
