import { makeOrTakeBack } from './cleanup-list.ts';
import { createFullNode, type FullNode, type FullNodeOptions } from './full-node.ts';
import { createLabNetwork, type LabNetwork } from './lab-network.ts';
import { phpRootVersions } from './php-roots.ts';

/** Several full nodes on one network, named web1, web2, ..., each with all PHP versions of the lab. */
export type LabFleet = {
  readonly network: LabNetwork;
  readonly nodes: readonly FullNode[];
  readonly destroy: () => Promise<void>;
};

export type LabFleetOptions = Pick<FullNodeOptions, 'binds' | 'sizeMiB'> & { readonly nodeCount: number };

export async function createLabFleet({ nodeCount, ...nodeOptions }: LabFleetOptions): Promise<LabFleet> {
  return makeOrTakeBack(async (cleanup) => {
    const network = await createLabNetwork();
    cleanup.add(network.destroy);
    const nodes: FullNode[] = [];
    for (let number = 1; number <= nodeCount; number += 1) {
      const options = { ...nodeOptions, name: `web${number}`, network, phpRoots: phpRootVersions };
      const node = await createFullNode(options);
      cleanup.add(node.destroy);
      nodes.push(node);
    }
    return { network, nodes, destroy: cleanup.run };
  });
}
