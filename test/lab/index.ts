/**
 * The lab: real nodes for tests, from Debian packages alone, as root. No Docker, no image from anywhere else.
 *
 * - `createDisposableNode`: about 50 ms, this machine's own file tree under an overlay, no systemd. For tests of single
 *   actions, which may break everything inside.
 * - `createFullNode`: about half a second, Debian 12 with systemd as process 1, switched off and on at will. For the
 *   agent installed the way a user would.
 * - `createLabNetwork`: the network they stand on, with clients (`createPeer`) and room for a controller.
 *
 * What may not enter: anything of the product itself. Tests that combine nodes with the product lie in this folder too,
 * but nothing that stands here for all of them knows an agent or a controller; `lab-cli.ts` is the one exception.
 *
 * Who makes a part destroys it. What a killed test run leaves is removed by the next one (`cleanStaleLab`).
 */
export { enableApacheModules, startApache, stopApache, type LabNode } from './apache.ts';
export { cleanStaleLab } from './clean-stale-lab.ts';
export { createDisposableNode, type DisposableNode, type DisposableNodeOptions } from './disposable-node.ts';
export { createFullNode, type FullNode, type FullNodeOptions } from './full-node.ts';
export { requestHttp, type LabRequest, type LabResponse } from './http-request.ts';
export { createLabFleet, type LabFleet } from './lab-fleet.ts';
export { createLabNetwork, type LabNetwork, type LabPeer } from './lab-network.ts';
export type { LabPlace, PlaceOptions, RunAs } from './lab-place.ts';
export { describeLabTraces } from './lab-traces.ts';
export type { NodeBind } from './node-folder.ts';
export { startPhpFpm, type PhpFpm } from './php-fpm.ts';
export { loadPhpRoot, phpRootInNode, phpRootVersions, type PhpRootVersion } from './php-roots.ts';
export { forwardIntoLab, forwardOutOfLab, type PortForward } from './port-forward.ts';
export { waitUntil, type ProgramResult, type RunningProgram } from './program.ts';
export { labRequirements, type LabRequirements } from './requirements.ts';
