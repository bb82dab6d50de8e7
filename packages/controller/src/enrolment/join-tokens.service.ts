import { randomUUID } from 'node:crypto';
import { formatJoinToken, sha256Base64Url, sha256Hex } from '@hauban/link';
import type { JoinTokenCreated, JoinTokenRequest, JoinTokenRow } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { fromBase64Url, type NodeRole } from '@hauban/shared/protocol';
import type { Clock, Random } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import type { EnrolmentRepository } from './enrolment.repository.ts';

export interface JoinTokensParts {
  readonly repository: EnrolmentRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly random: Random;
  /** Public link key of this controller, base64url; another one after a rotation. */
  readonly linkKey: () => string;
  readonly publicUrl: URL;
}

export type JoinTokensService = ReturnType<typeof createJoinTokensService>;

const DEFAULT_MINUTES = 15;

/** Join tokens: what lets a machine in (rule ENROL1). The secret is shown once and stored as a hash. */
export function createJoinTokensService(parts: JoinTokensParts) {
  const { repository, audit, transaction, clock, random } = parts;
  const linkUrl = new URL('/link', parts.publicUrl);
  linkUrl.protocol = parts.publicUrl.protocol === 'https:' ? 'wss:' : 'ws:';

  const make = async (
    request: JoinTokenRequest,
    actor: { readonly name: string; readonly address: string | null },
    nodeId: string | null,
  ): Promise<JoinTokenCreated> => {
    const now = clock.nowMs();
    const id = randomUUID();
    const secret = Buffer.from(random.bytes(32)).toString('base64url');
    const uses = request.uses ?? 1;
    const row = {
      id,
      secretHash: sha256Hex(secret),
      createdAt: now,
      createdBy: actor.name,
      expiresAt: now + (request.minutes ?? DEFAULT_MINUTES) * 60_000,
      uses,
      usesLeft: uses,
      labels: request.labels ?? {},
      roles: [...new Set(request.roles)],
      hostName: request.hostName ?? null,
      nodeId,
    };
    await transaction(async (tx) => {
      await repository.add(tx, row);
      const { secretHash: _secret, createdAt: _at, createdBy: _by, usesLeft: _left, ...detail } = row;
      audit.record(tx, { code: 'A2000I', who: actor.name, address: actor.address, detail });
    });
    const thumbprint = sha256Base64Url(fromBase64Url(parts.linkKey()) ?? new Uint8Array());
    const token = formatJoinToken({ tokenId: id, secret, thumbprint });
    return {
      id,
      token,
      expiresAt: row.expiresAt,
      command: `hauban-agent enrol ${nodeId === null ? '' : '--force '}--url ${linkUrl.href} --token ${token}`,
    };
  };

  return {
    make: async (
      request: JoinTokenRequest,
      actor: { readonly name: string; readonly address: string | null },
    ): Promise<JoinTokenCreated> => make(request, actor, null),
    /** For the machine of a known node: it gets new keys and stays that node (rule KEYS3). */
    makeForNode: async (
      node: { readonly id: string; readonly labels: Readonly<Record<string, string>>; readonly roles: string[] },
      actor: { readonly name: string; readonly address: string },
    ): Promise<JoinTokenCreated> => make({ labels: node.labels, roles: node.roles as NodeRole[] }, actor, node.id),
    list: async (): Promise<JoinTokenRow[]> => {
      const rows = await repository.listUsable(clock.nowMs());
      return rows.map(({ id, createdAt, expiresAt, usesLeft, labels, roles, hostName, createdBy }) => ({
        id,
        createdAt,
        expiresAt,
        usesLeft,
        labels,
        roles: roles as NodeRole[],
        hostName,
        createdBy,
      }));
    },
    remove: async (id: string, actor: { readonly name: string; readonly address: string }): Promise<void> =>
      transaction(async (tx) => {
        if (!(await repository.remove(tx, id, clock.nowMs())))
          throw new HaubanError('NOT_FOUND', 'There is no join token with this id.');
        audit.record(tx, { code: 'A2001I', who: actor.name, address: actor.address, detail: { id } });
      }),
  };
}
