import { enableApacheModules } from '../apache.ts';
import { makeOrTakeBack } from '../cleanup-list.ts';
import type { LabFleet } from '../lab-fleet.ts';
import { installAgent, packageAgent } from './installed-agent.ts';
import { createLabController, type LabController } from './lab-controller.ts';

/** Port of this machine's loopback for the page of a lab that is left running: the same each time. */
const pagePort = 7461;

/** A controller for a fleet, and the agent installed on each of its nodes, all enrolled. */
export async function createLabProduct({ network, nodes }: LabFleet): Promise<LabController> {
  const archive = await packageAgent();
  return await makeOrTakeBack(async (cleanup) => {
    const controller = await createLabController(network, pagePort);
    cleanup.add(controller.destroy);
    const token = await controller.makeJoinToken(nodes.length);
    for (const node of nodes) {
      await enableApacheModules(node);
      await node.mustRun('/usr/bin/systemctl', ['restart', 'apache2']);
      await installAgent(node, archive, { linkUrl: controller.linkUrl, token });
    }
    return controller;
  });
}
