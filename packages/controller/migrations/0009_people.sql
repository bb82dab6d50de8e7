-- Roles as data, invitations, scopes of tokens, leavers, the second factor of passwords, sign-on by a provider.

-- Made beside the built-in ones. `rules` is checked again whenever it is read; what does not fit gives no right.
CREATE TABLE role (
  name text PRIMARY KEY CHECK (name NOT IN ('owner', 'operator', 'viewer')),
  rules jsonb NOT NULL,
  created_at bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE person DROP CONSTRAINT person_role_check;
--> statement-breakpoint
-- The name stays taken: history speaks of it.
ALTER TABLE person ADD COLUMN left_at bigint;
--> statement-breakpoint
ALTER TABLE passkey ADD COLUMN name text NOT NULL DEFAULT 'passkey';
--> statement-breakpoint
ALTER TABLE passkey_challenge DROP CONSTRAINT passkey_challenge_purpose_check;
--> statement-breakpoint
ALTER TABLE passkey_challenge ADD CONSTRAINT passkey_challenge_purpose_check
  CHECK (purpose IN ('setup', 'sign-in', 'invite', 'add'));
--> statement-breakpoint
-- Null: everything that its person may do.
ALTER TABLE api_token ADD COLUMN scope jsonb;
--> statement-breakpoint
CREATE TABLE invite (
  hash text PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX invite_person ON invite (person_id);
--> statement-breakpoint
-- Since when this shell has to end, whatever its viewer wants; the node is told at each of its links until it has.
ALTER TABLE shell_session ADD COLUMN ending_at bigint;
--> statement-breakpoint
CREATE INDEX shell_session_open_by ON shell_session (opened_by_id) WHERE state IN ('requested', 'open');
--> statement-breakpoint
CREATE INDEX run_open_by ON run (requester_id) WHERE finished_at IS NULL;
--> statement-breakpoint
-- Second factor of the password (TOTP, base32). Pending: shown and not confirmed by a code yet.
ALTER TABLE person ADD COLUMN totp_secret text;
--> statement-breakpoint
ALTER TABLE person ADD COLUMN totp_pending text;
--> statement-breakpoint
-- Time step of the last code that was taken: it and older ones are worth nothing.
ALTER TABLE person ADD COLUMN totp_step bigint;
--> statement-breakpoint
-- For the day on which the second factor is lost; each works once.
CREATE TABLE recovery_code (
  hash text PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE
);
--> statement-breakpoint
CREATE INDEX recovery_code_person ON recovery_code (person_id);
