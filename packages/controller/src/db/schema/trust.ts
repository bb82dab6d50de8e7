import type {
  ApprovalStatement,
  Assertion,
  AuthorityStep,
  Bundle,
  SignedBundle,
  SignedLinkStep,
  SignedStep,
} from '@hauban/shared/protocol';
import { boolean, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { json, timeMs } from './columns.ts';

/** The policy bundle and approvals (migrations/0007_trust.sql, 0012_authority.sql, 0018_link_keys.sql,
 * 0019_approval_by_another.sql). */
export const trustBundle = pgTable('trust_bundle', {
  version: integer('version').primaryKey(),
  signed: json('signed').$type<SignedBundle>().notNull(),
  storedAt: timeMs('stored_at').notNull(),
});

export const trustDraft = pgTable('trust_draft', {
  isOnly: boolean('is_only').primaryKey().default(true),
  bundle: json('bundle').$type<Bundle>().notNull(),
  hash: text('hash').notNull(),
  draftedBy: text('drafted_by').notNull(),
  draftedAt: timeMs('drafted_at').notNull(),
});

export const trustNode = pgTable('trust_node', {
  nodeId: uuid('node_id').primaryKey(),
  version: integer('version').notNull(),
  saidAt: timeMs('said_at').notNull(),
  authority: integer('authority').notNull().default(1),
  linkKey: text('link_key'),
});

export const linkStep = pgTable('link_step', {
  version: integer('version').primaryKey(),
  signed: json('signed').$type<SignedLinkStep>().notNull(),
  storedAt: timeMs('stored_at').notNull(),
});

export const trustStep = pgTable('trust_step', {
  version: integer('version').primaryKey(),
  signed: json('signed').$type<SignedStep>().notNull(),
  storedAt: timeMs('stored_at').notNull(),
});

export const trustStepDraft = pgTable('trust_step_draft', {
  isOnly: boolean('is_only').primaryKey().default(true),
  step: json('step').$type<AuthorityStep>().notNull(),
  hash: text('hash').notNull(),
  draftedBy: text('drafted_by').notNull(),
  draftedAt: timeMs('drafted_at').notNull(),
});

export const APPROVAL_STATES = ['waiting', 'approved', 'denied', 'expired', 'used'] as const;

export const approvalRequest = pgTable('approval_request', {
  id: uuid('id').primaryKey(),
  kind: text('kind', { enum: ['run', 'shell'] }).notNull(),
  state: text('state', { enum: APPROVAL_STATES }).notNull(),
  statement: json('statement').$type<ApprovalStatement>().notNull(),
  needed: integer('needed').notNull(),
  byAnother: boolean('by_another').notNull().default(false),
  requesterId: text('requester_id').notNull(),
  requester: text('requester').notNull(),
  askedAt: timeMs('asked_at').notNull(),
  expiresAt: timeMs('expires_at').notNull(),
});

export const approval = pgTable(
  'approval',
  {
    subject: text('subject').notNull(),
    operator: uuid('operator').notNull(),
    name: text('name').notNull(),
    assertion: json('assertion').$type<Assertion>(),
    givenAt: timeMs('given_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.subject, table.operator] })],
);
