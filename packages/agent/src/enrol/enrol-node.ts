import type { Clock, Random } from '@hauban/shared/time';
import { HaubanError } from '@hauban/shared/errors';
import { followSteps, loadOrCreateKeyPair, parseJoinToken } from '@hauban/link';
import { parseControllerUrl } from '../link/controller-url.ts';
import type { Dial } from '../link/dial.ts';
import {
  giveTo,
  isThere,
  makeFolder,
  moveIfThere,
  removeIfThere,
  writePolicy,
  type FileOwner,
} from '../store/enrolment-files.ts';
import { nextReceiptKeyFile, receiptStepsFile } from '../store/receipt-key-names.ts';
import { forgetOtherLinkKeys } from '../link/link-key-files.ts';
import { loadTrust, storeTrust, type Trust } from '../store/trust-file.ts';
import { askEnrolment } from './ask-enrolment.ts';
import { DEFAULT_POLICY } from './default-policy.ts';

export interface EnrolPaths {
  readonly configDir: string;
  readonly trustFile: string;
  readonly policyFile: string;
  readonly linkDir: string;
  readonly linkKeyFile: string;
  readonly executorDir: string;
  readonly receiptKeyFile: string;
}

export interface EnrolOptions {
  readonly paths: EnrolPaths;
  readonly clock: Clock;
  readonly random: Random;
  dialWith(ca: string | null): Dial;
  /** As typed. */
  readonly url: string;
  readonly token: string;
  /** Certificates (PEM) for TLS to the controller. */
  readonly ca: string | null;
  /** Replaces the enrolment that is there. */
  readonly isForced: boolean;
  readonly hostName: string;
  readonly agentVersion: string;
  readonly os: string;
  /** Whom the link process runs as; null: whoever runs this. */
  readonly linkOwner: FileOwner | null;
}

export type EnrolOutcome =
  | { readonly ok: true; readonly nodeId: string; readonly isResumed: boolean; readonly hasNewPolicy: boolean }
  | { readonly ok: false; readonly code: string; readonly detail: string };

const next = (path: string): string => `${path}.next`;

/**
 * Everything new is first written beside its place with `.next` at the end of its name; `trust.json.next` is the point
 * of no return. Before it a second run takes the same keys again, so that a join whose answer was lost is the same join;
 * after it a second run only moves the files to their places.
 *
 * Never throws for what a person or the controller did wrong; HaubanError for files that cannot be written.
 */
export async function enrolNode(options: EnrolOptions): Promise<EnrolOutcome> {
  const { paths } = options;
  if (isThere(next(paths.trustFile))) return finish(paths, true);
  const known = loadTrustIfUsable(paths.trustFile, options.isForced);
  if (known !== null && !options.isForced)
    return {
      ok: false,
      code: 'CONFLICT',
      detail: `This node is enrolled already (node ${known.nodeId} at ${known.url}); --force enrols it anew, as another node.`,
    };
  const url = parseControllerUrl(options.url);
  if (!url.ok) return { ok: false, code: 'BAD_REQUEST', detail: `--url: ${url.problem}.` };
  const token = parseJoinToken(options.token);
  if (!token.ok) return { ok: false, code: 'BAD_REQUEST', detail: `--token: ${token.problem}.` };
  makeFolders(options);
  const linkKey = loadOrCreateKeyPair(next(paths.linkKeyFile));
  const receiptKey = loadOrCreateKeyPair(next(paths.receiptKeyFile));
  const { clock, random, ca, hostName, agentVersion, os } = options;
  const dial = options.dialWith(ca);
  const answer = await askEnrolment({
    dial,
    clock,
    random,
    url: url.value,
    token: token.value,
    linkKey,
    receiptKey,
    hostName,
    agentVersion,
    os,
  });
  if (!answer.ok) {
    // Keys of an attempt that was refused are not used again: the next one begins anew.
    if (answer.isRefused) for (const path of [paths.linkKeyFile, paths.receiptKeyFile]) removeIfThere(next(path));
    return { ok: false, code: answer.code, detail: answer.detail };
  }
  const { nodeId, controllerId, controllerKey, authorityKeys } = answer.enrolled;
  const followed = await followSteps(authorityKeys, answer.enrolled.authoritySteps, controllerId);
  if (!followed.ok)
    return { ok: false, code: followed.code, detail: `The controller's authority keys: ${followed.detail}.` };
  const authoritySteps = [...followed.chain.steps];
  if (options.linkOwner !== null) giveTo(next(paths.linkKeyFile), options.linkOwner);
  storeTrust(next(paths.trustFile), {
    v: 1,
    url: url.value,
    nodeId,
    controllerId,
    controllerKey,
    authorityKeys,
    authoritySteps,
    ca,
  });
  return finish(paths, false);
}

/** A damaged trust file may be replaced by force; without, its own sentence says so. */
function loadTrustIfUsable(path: string, isForced: boolean): Trust | null {
  try {
    return loadTrust(path);
  } catch (error) {
    if (isForced && error instanceof HaubanError) return null;
    throw error;
  }
}

/** Root's folders are for root; only the link's belongs to the link process, and its group may walk through the executor's to the recordings. */
function makeFolders({ paths, linkOwner }: EnrolOptions): void {
  makeFolder(paths.configDir, 0o755, null);
  makeFolder(paths.linkDir, 0o700, linkOwner);
  const group = linkOwner === null ? null : { uid: 0, gid: linkOwner.gid };
  makeFolder(paths.executorDir, linkOwner === null ? 0o700 : 0o750, group);
}

function finish(paths: EnrolPaths, isResumed: boolean): EnrolOutcome {
  // Made under the former identity: a copy of the disk has them too.
  for (const file of [nextReceiptKeyFile, receiptStepsFile]) removeIfThere(file(paths.receiptKeyFile));
  moveIfThere(next(paths.receiptKeyFile), paths.receiptKeyFile);
  forgetOtherLinkKeys(paths.linkKeyFile);
  moveIfThere(next(paths.linkKeyFile), paths.linkKeyFile);
  const hasNewPolicy = !isThere(paths.policyFile);
  if (hasNewPolicy) writePolicy(paths.policyFile, DEFAULT_POLICY);
  moveIfThere(next(paths.trustFile), paths.trustFile);
  const trust = loadTrust(paths.trustFile);
  if (trust === null) throw new HaubanError('FILE_FAILED', `${paths.trustFile} vanished while it was written.`);
  return { ok: true, nodeId: trust.nodeId, isResumed, hasNewPolicy };
}
