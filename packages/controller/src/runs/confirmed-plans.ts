import { canonicalJson } from '@hauban/link';
import type { RunRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { RunContent } from './run-content.ts';
import type { RunTargetsRepository } from './run-targets.repository.ts';
import type { RunsRepository } from './runs.repository.ts';

const HASH = /^[0-9a-f]{64}$/;
const bad = (detail: string): HaubanError => new HaubanError('BAD_REQUEST', detail);

/** The plans that a person has seen, hash by node. */
type ConfirmedPlans = ReadonlyMap<string, string>;

/** Of the plan run that a request confirms; null: it confirms none. */
export async function loadConfirmedPlans(
  request: RunRequest,
  content: RunContent,
  from: { readonly runs: RunsRepository; readonly targets: RunTargetsRepository },
): Promise<ConfirmedPlans | null> {
  const { confirms } = request;
  if (confirms === undefined) return null;
  const planned = await from.runs.find(confirms.run);
  if (planned === null) throw new HaubanError('NOT_FOUND', 'There is no run whose plans could be confirmed.');
  const [step] = content.steps;
  const isSame =
    planned.mode === 'plan' &&
    planned.action === step?.action &&
    planned.steps.length === 0 &&
    canonicalJson(planned.args) === canonicalJson(step.args);
  if (!isSame)
    throw bad('The run that confirms names did not plan this: it has to have mode plan and the same action.');
  const wanted = confirms.hashes === undefined ? null : new Set(confirms.hashes);
  const hashes = new Map<string, string>();
  for (const { nodeId, hash } of await from.targets.planHashes(planned.id)) {
    // The node's own word: used only to be held against the node's own plan.
    if (hash !== null && HASH.test(hash) && (wanted === null || wanted.has(hash))) hashes.set(nodeId, hash);
  }
  if (hashes.size === 0) throw bad('The run that confirms names has no plan of these hashes: plan again.');
  return hashes;
}
