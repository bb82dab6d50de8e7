import { bigint, boolean, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { bytea, json, timeMs } from './columns.ts';

/** People and the identity of this controller (migrations/0000_people.sql, where each column is explained). */
export const controller = pgTable('controller', {
  isOnly: boolean('is_only').primaryKey().default(true),
  id: uuid('id').notNull(),
  linkKey: text('link_key').notNull(),
  createdAt: timeMs('created_at').notNull(),
});

export const person = pgTable('person', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  role: text('role').notNull(),
  passwordHash: text('password_hash'),
  createdAt: timeMs('created_at').notNull(),
  failedSignIns: integer('failed_sign_ins').notNull().default(0),
  lockedUntil: timeMs('locked_until'),
  leftAt: timeMs('left_at'),
  totpSecret: text('totp_secret'),
  totpPending: text('totp_pending'),
  totpStep: timeMs('totp_step'),
});

export const recoveryCode = pgTable('recovery_code', {
  hash: text('hash').primaryKey(),
  personId: uuid('person_id').notNull(),
});

/** Roles that are made beside the built-in ones (migrations/0009_people.sql). */
export const role = pgTable('role', {
  name: text('name').primaryKey(),
  rules: json('rules').notNull(),
  createdAt: timeMs('created_at').notNull(),
});

export const invite = pgTable('invite', {
  hash: text('hash').primaryKey(),
  personId: uuid('person_id').notNull(),
  createdAt: timeMs('created_at').notNull(),
  expiresAt: timeMs('expires_at').notNull(),
});

export const passkey = pgTable('passkey', {
  id: text('id').primaryKey(),
  personId: uuid('person_id').notNull(),
  publicKey: bytea('public_key').notNull(),
  counter: bigint('counter', { mode: 'number' }).notNull(),
  transports: text('transports').array().notNull(),
  createdAt: timeMs('created_at').notNull(),
  lastUsedAt: timeMs('last_used_at'),
  name: text('name').notNull().default('passkey'),
});

export const passkeyChallenge = pgTable('passkey_challenge', {
  challenge: text('challenge').primaryKey(),
  purpose: text('purpose', { enum: ['setup', 'sign-in', 'invite', 'add', 'prove'] }).notNull(),
  personId: uuid('person_id'),
  name: text('name'),
  expiresAt: timeMs('expires_at').notNull(),
});

export const session = pgTable('session', {
  tokenHash: text('token_hash').primaryKey(),
  personId: uuid('person_id').notNull(),
  createdAt: timeMs('created_at').notNull(),
  lastUsedAt: timeMs('last_used_at').notNull(),
  expiresAt: timeMs('expires_at').notNull(),
  address: text('address').notNull(),
  userAgent: text('user_agent').notNull(),
  way: text('way'),
});

/** Identities of sign-on providers, and sign-ons under way (migrations/0011_oidc.sql). */
export const personIdentity = pgTable('person_identity', {
  id: uuid('id').primaryKey(),
  personId: uuid('person_id').notNull(),
  issuer: text('issuer').notNull(),
  subject: text('subject').notNull(),
  provider: text('provider').notNull(),
  givenRole: text('given_role'),
  createdAt: timeMs('created_at').notNull(),
  lastUsedAt: timeMs('last_used_at'),
});

export const signOn = pgTable('sign_on', {
  browserHash: text('browser_hash').primaryKey(),
  provider: text('provider').notNull(),
  purpose: text('purpose', { enum: ['sign-in', 'invite', 'link'] }).notNull(),
  personId: uuid('person_id'),
  sessionHash: text('session_hash'),
  inviteHash: text('invite_hash'),
  returnTo: text('return_to').notNull(),
  expiresAt: timeMs('expires_at').notNull(),
});

export const apiToken = pgTable('api_token', {
  id: uuid('id').primaryKey(),
  personId: uuid('person_id').notNull(),
  name: text('name').notNull(),
  secretHash: text('secret_hash').notNull(),
  madeBy: text('made_by', { enum: ['page', 'cli'] }).notNull(),
  createdAt: timeMs('created_at').notNull(),
  expiresAt: timeMs('expires_at').notNull(),
  lastUsedAt: timeMs('last_used_at'),
  scope: json('scope'),
});

export const setupToken = pgTable('setup_token', {
  hash: text('hash').primaryKey(),
  createdAt: timeMs('created_at').notNull(),
  expiresAt: timeMs('expires_at').notNull(),
});

export const cliSignIn = pgTable('cli_sign_in', {
  deviceHash: text('device_hash').primaryKey(),
  userCode: text('user_code').notNull(),
  createdAt: timeMs('created_at').notNull(),
  expiresAt: timeMs('expires_at').notNull(),
  personId: uuid('person_id'),
});
