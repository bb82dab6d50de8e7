import { randomUUID } from 'node:crypto';
import { HaubanError } from '@hauban/shared/errors';
import type { ApprovalStatement, Assertion } from '@hauban/shared/protocol';

/** What people have to say before a shell is opened. */
export interface ShellApprovals {
  /** How many of them for a shell as that user, and how long they have. */
  neededFor(login: string): { readonly count: number; readonly waitMs: number };
  /** What this person asked for before: still waiting, or approved and not used. */
  shellsOf(requesterId: string): Promise<readonly AskedShell[]>;
  ask(asked: {
    readonly kind: 'shell';
    readonly statement: ApprovalStatement;
    readonly needed: number;
    readonly requester: { readonly id: string; readonly name: string; readonly address: string };
  }): Promise<void>;
  /** True for the one call that may use it. */
  use(id: string): Promise<boolean>;
}

interface AskedShell {
  readonly id: string;
  readonly state: string;
  readonly needed: number;
  readonly statement: ApprovalStatement;
  readonly approvals: readonly Assertion[];
}

export interface WantedShell {
  readonly controllerId: string;
  readonly nodeId: string;
  readonly login: string;
  readonly reason: string | null;
  readonly requester: { readonly id: string; readonly name: string; readonly address: string };
  readonly at: number;
}

/** As what it is opened: its session, and the approvals that its permit carries. */
export interface AdmittedShell {
  readonly session: string;
  readonly approvals: readonly Assertion[];
  /** Null: nobody has to approve it. */
  readonly statement: ApprovalStatement | null;
}

const isFor = (statement: ApprovalStatement, wanted: WantedShell): boolean =>
  statement.what.kind === 'shell' &&
  statement.requester === wanted.requester.id &&
  statement.what.user === wanted.login &&
  statement.targets.length === 1 &&
  statement.targets[0] === wanted.nodeId &&
  statement.reason === wanted.reason;

const waits = (needed: number, given: number): HaubanError =>
  new HaubanError(
    'APPROVAL_NEEDED',
    `This shell needs the approval of ${needed} (${given} so far): it is listed under approvals; open it again when it is approved.`,
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
  const { count, waitMs } = approvals.neededFor(wanted.login);
  if (count === 0) return { session: randomUUID(), approvals: [], statement: null };
  const asked = (await approvals.shellsOf(wanted.requester.id)).filter(({ statement }) => isFor(statement, wanted));
  for (const { id, state, statement, approvals: given } of asked)
    if (state === 'approved' && (await approvals.use(id))) return { session: id, approvals: given, statement };
  const waiting = asked.find(({ state }) => state === 'waiting');
  if (waiting !== undefined) throw waits(waiting.needed, waiting.approvals.length);
  const { requester } = wanted;
  await approvals.ask({ kind: 'shell', statement: statementOf(wanted, waitMs), needed: count, requester });
  throw waits(count, 0);
}
