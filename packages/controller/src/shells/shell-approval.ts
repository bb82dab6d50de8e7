import { randomUUID } from 'node:crypto';
import { HaubanError } from '@hauban/shared/errors';
import type { ApprovalStatement, Assertion } from '@hauban/shared/protocol';

/** What people have to say before a shell is opened. */
export interface ShellApprovals {
  /** How many of them for a shell as that user, and how long they have. `byAnother`: the role of who asks wants one. */
  neededFor(login: string, byAnother: boolean): { readonly count: number; readonly waitMs: number };
  /** What this person asked for before: still waiting, or approved and not used. */
  shellsOf(requesterId: string): Promise<readonly AskedShell[]>;
  ask(asked: {
    readonly kind: 'shell';
    readonly statement: ApprovalStatement;
    readonly needed: number;
    readonly byAnother: boolean;
    readonly requester: { readonly id: string; readonly name: string; readonly address: string };
  }): Promise<void>;
  /** True for the one call that may use it. */
  use(id: string): Promise<boolean>;
}

interface AskedShell {
  readonly id: string;
  readonly state: string;
  readonly needed: number;
  /** Nobody approved it who asked, or who may not do it. */
  readonly byAnother: boolean;
  readonly statement: ApprovalStatement;
  /** People who have approved it. */
  readonly given: number;
  /** What of that the permit carries. */
  readonly approvals: readonly Assertion[];
}

export interface WantedShell {
  readonly controllerId: string;
  readonly nodeId: string;
  readonly login: string;
  readonly reason: string | null;
  /** The role of who asks wants another person's approval. */
  readonly byAnother: boolean;
  readonly requester: { readonly id: string; readonly name: string; readonly address: string };
  readonly at: number;
}

/** As what it is opened: its session, and the approvals that its permit carries. */
export interface AdmittedShell {
  readonly session: string;
  readonly approvals: readonly Assertion[];
  /** Null: its permit carries no approval. */
  readonly statement: ApprovalStatement | null;
}

const isFor = ({ statement, byAnother }: AskedShell, wanted: WantedShell): boolean =>
  (byAnother || !wanted.byAnother) &&
  statement.what.kind === 'shell' &&
  statement.requester === wanted.requester.id &&
  statement.what.user === wanted.login &&
  statement.targets.length === 1 &&
  statement.targets[0] === wanted.nodeId &&
  statement.reason === wanted.reason;

const waits = (needed: number, byAnother: boolean, given: number): HaubanError =>
  new HaubanError(
    'APPROVAL_NEEDED',
    byAnother && needed === 1
      ? 'This shell waits for another person: it is listed under approvals; open it again when somebody else who may open it has approved it.'
      : `This shell needs the approval of ${needed} (${given} so far): it is listed under approvals; open it again when it is approved.`,
  );

function statementOf(wanted: WantedShell, waitMs: number): ApprovalStatement {
  const { controllerId: controller, nodeId, login: user, reason, at } = wanted;
  const what = { kind: 'shell', user } as const;
  return {
    v: 1,
    is: 'hauban-approval',
    controller,
    requester: wanted.requester.id,
    run: randomUUID(),
    targets: [nodeId],
    exp: at + waitMs,
    reason,
    what,
  };
}

/** A shell that needs people is asked for once; the same request again opens it, when they have approved it. */
export async function admitShell(approvals: ShellApprovals, wanted: WantedShell): Promise<AdmittedShell> {
  const { byAnother, requester } = wanted;
  const { count, waitMs } = approvals.neededFor(wanted.login, byAnother);
  if (count === 0) return { session: randomUUID(), approvals: [], statement: null };
  const asked = (await approvals.shellsOf(requester.id)).filter((shell) => isFor(shell, wanted));
  for (const { id, state, statement, approvals: given } of asked)
    if (state === 'approved' && (await approvals.use(id)))
      return { session: id, approvals: given, statement: given.length === 0 ? null : statement };
  const waiting = asked.find(({ state }) => state === 'waiting');
  if (waiting !== undefined) throw waits(waiting.needed, waiting.byAnother, waiting.given);
  await approvals.ask({ kind: 'shell', statement: statementOf(wanted, waitMs), needed: count, byAnother, requester });
  throw waits(count, byAnother, 0);
}
