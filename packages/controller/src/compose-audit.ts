import type { ControllerIdentity } from '@hauban/link';
import type { Clock } from '@hauban/shared/time';
import { createAuditFindings } from './audit/audit-findings.service.ts';
import { createAuditHeadsRepository } from './audit/audit-heads.repository.ts';
import { AuditHeadsService, type AuditHeadsParts } from './audit/audit-heads.service.ts';
import { createAuditOrdersRepository } from './audit/audit-orders.repository.ts';
import { createSightOf } from './audit/audit-sight.ts';
import { createAuditWhy } from './audit/audit-why.service.ts';
import { createAuditRepository } from './audit/audit.repository.ts';
import { createAuditService, type AuditService } from './audit/audit.service.ts';
import { exportText } from './audit/export-text.ts';
import type { OutsideWitness } from './audit/outside-witness.ts';
import type { Shared } from './compose-people.ts';
import type { Database } from './db/index.ts';

/** The log alone: what everything else writes to. */
export function createAudit(database: Database, clock: Clock): AuditService {
  return createAuditService({
    repository: createAuditRepository(database),
    transaction: database.transaction,
    clock,
  });
}

export interface AuditNeeds {
  readonly identity: ControllerIdentity;
  readonly linkKeys: AuditHeadsParts['linkKeys'];
  readonly witnesses: readonly OutsideWitness[];
  hostNameOf(nodeId: string): Promise<string | null>;
  tellNodes(jws: string): void;
}

/** What makes the log evidence: signed heads, witnesses and what they tell back, the export, the reasons. */
export function createAuditEvidence(shared: Shared, database: Database, needs: AuditNeeds) {
  const repository = createAuditRepository(database);
  const heads = createAuditHeadsRepository(database);
  const base = { ...shared, ...needs, repository, heads };
  const auditFindings = createAuditFindings(base);
  const auditHeads = new AuditHeadsService({ ...base, findings: auditFindings });
  const orders = createAuditOrdersRepository(database);
  const auditWhy = createAuditWhy({ repository, orders });
  const auditSight = createSightOf(orders);
  const auditExport = async (by: { readonly name: string; readonly address: string }) => {
    await shared.audit.recordAlone({ code: 'A6000I', who: by.name, address: by.address });
    return exportText({ repository, heads }, await auditHeads.closing());
  };
  return { auditHeads, auditFindings, auditWhy, auditSight, auditExport };
}
