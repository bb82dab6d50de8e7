-- People, how they sign in, and the identity of this controller.
-- Times are Unix ms (bigint) everywhere: they travel so in the API, and a driver cannot shift their zone.
-- Secrets (sessions, tokens, set-up links) are stored as SHA-256 (hex) only: they are random, so no salt is needed.

CREATE TABLE controller (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  id uuid NOT NULL,
  -- Public Ed25519 key (base64url) that the nodes are pinned to; the private one lies in a file, never here.
  link_key text NOT NULL,
  created_at bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE person (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  role text NOT NULL CHECK (role IN ('owner', 'operator', 'viewer')),
  -- argon2id, PHC string; null: passkeys only
  password_hash text,
  created_at bigint NOT NULL,
  -- Wrong passwords since the last right one, and until when no further one is looked at.
  failed_sign_ins integer NOT NULL DEFAULT 0,
  locked_until bigint
);
--> statement-breakpoint
CREATE TABLE passkey (
  id text PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  public_key bytea NOT NULL,
  counter bigint NOT NULL,
  transports text[] NOT NULL,
  created_at bigint NOT NULL,
  last_used_at bigint
);
--> statement-breakpoint
CREATE INDEX passkey_person ON passkey (person_id);
--> statement-breakpoint
CREATE TABLE passkey_challenge (
  challenge text PRIMARY KEY,
  purpose text NOT NULL CHECK (purpose IN ('setup', 'sign-in')),
  -- Id and name of the account that is being made; null for a sign-in.
  person_id uuid,
  name text,
  expires_at bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE session (
  token_hash text PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  created_at bigint NOT NULL,
  last_used_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  address text NOT NULL,
  user_agent text NOT NULL
);
--> statement-breakpoint
CREATE INDEX session_person ON session (person_id);
--> statement-breakpoint
CREATE TABLE api_token (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  name text NOT NULL,
  secret_hash text NOT NULL UNIQUE,
  -- What made it: the page (for programs) or the command line's sign-in.
  made_by text NOT NULL CHECK (made_by IN ('page', 'cli')),
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  last_used_at bigint
);
--> statement-breakpoint
CREATE INDEX api_token_person ON api_token (person_id);
--> statement-breakpoint
CREATE TABLE setup_token (
  hash text PRIMARY KEY,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE cli_sign_in (
  device_hash text PRIMARY KEY,
  user_code text NOT NULL UNIQUE,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  -- Who approved it; null while it waits.
  person_id uuid REFERENCES person (id) ON DELETE CASCADE
);
