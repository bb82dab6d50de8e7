import { and, asc, eq, inArray, isNotNull, isNull } from 'drizzle-orm';
import type { Tx } from '../db/index.ts';
import { run, runTarget } from '../db/schema/runs.ts';
import { approval, approvalRequest, trustDraft } from '../db/schema/trust.ts';

/**
 * Runs that were approved with this person's word and of which something is not signed yet: that part waits again. Their
 * targets are locked first, so that nobody signs them meanwhile.
 */
async function approvedUnsigned(tx: Tx, personId: string): Promise<string[]> {
  const rows = await tx.db
    .select({ id: run.id })
    .from(runTarget)
    .innerJoin(run, eq(run.id, runTarget.runId))
    .where(and(isNull(runTarget.jws), isNull(runTarget.finishedAt), isNotNull(run.approval)))
    .orderBy(asc(runTarget.orderId))
    .for('update', { of: runTarget });
  const ids = [...new Set(rows.map(({ id }) => id))];
  if (ids.length === 0) return [];
  const theirs = await tx.db
    .select({ subject: approval.subject })
    .from(approval)
    .where(and(eq(approval.operator, personId), inArray(approval.subject, ids)));
  return theirs.map(({ subject }) => subject);
}

/**
 * Approvals that a leaver asked for or gave and that nothing was done by yet. What was approved with the leaver's word
 * waits again, for somebody else's. @returns the number of requests denied and of words taken back
 */
export async function endApprovals(tx: Tx, personId: string): Promise<number> {
  const isPending = inArray(approvalRequest.state, ['waiting', 'approved']);
  const denied = await tx.db
    .update(approvalRequest)
    .set({ state: 'denied' })
    .where(and(eq(approvalRequest.requesterId, personId), isPending))
    .returning({ id: approvalRequest.id });
  const pending = await tx.db.select({ id: approvalRequest.id }).from(approvalRequest).where(isPending).for('update');
  const unsigned = await approvedUnsigned(tx, personId);
  const drafts = await tx.db.select({ hash: trustDraft.hash }).from(trustDraft);
  const requests = [...pending.map(({ id }) => id), ...unsigned];
  const subjects = [...requests, ...drafts.map(({ hash }) => hash)];
  if (subjects.length === 0) return denied.length;
  const taken = await tx.db
    .delete(approval)
    .where(and(eq(approval.operator, personId), inArray(approval.subject, subjects)))
    .returning({ subject: approval.subject });
  const again = requests.filter((id) => taken.some(({ subject }) => subject === id));
  if (again.length > 0) {
    await tx.db.update(approvalRequest).set({ state: 'waiting' }).where(inArray(approvalRequest.id, again));
    await tx.db.update(run).set({ approval: null }).where(inArray(run.id, again));
  }
  return denied.length + taken.length;
}
