-- Sign-on by identity providers (OpenID Connect).

-- How a session was opened: passkey, password, oidc:<provider>. Null: opened before this was kept.
ALTER TABLE session ADD COLUMN way text;
--> statement-breakpoint
-- Whom a provider's word signs in. The pair of issuer and subject is the identity; names and addresses are not.
-- Stays when its person leaves, so that the provider does not make the leaver anew.
CREATE TABLE person_identity (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  issuer text NOT NULL,
  subject text NOT NULL,
  -- Id of the provider in the configuration when it was linked.
  provider text NOT NULL,
  -- Role that the provider's claims gave last. Null: people decide about the role, the provider does not.
  given_role text,
  created_at bigint NOT NULL,
  last_used_at bigint,
  UNIQUE (issuer, subject)
);
--> statement-breakpoint
CREATE INDEX person_identity_person ON person_identity (person_id);
--> statement-breakpoint
-- Sign-ons under way, found by the hash of what the browser's cookie holds. State, nonce and verifier are derived from
-- the cookie and stored nowhere. A row is taken once.
CREATE TABLE sign_on (
  browser_hash text PRIMARY KEY,
  provider text NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('sign-in', 'invite', 'link')),
  -- Of a link: the person, and the session that asked.
  person_id uuid REFERENCES person (id) ON DELETE CASCADE,
  session_hash text,
  -- Of an invitation: its hash.
  invite_hash text,
  return_to text NOT NULL,
  expires_at bigint NOT NULL
);
--> statement-breakpoint
-- A signed-in person proves again who they are.
ALTER TABLE passkey_challenge DROP CONSTRAINT passkey_challenge_purpose_check;
--> statement-breakpoint
ALTER TABLE passkey_challenge ADD CONSTRAINT passkey_challenge_purpose_check
  CHECK (purpose IN ('setup', 'sign-in', 'invite', 'add', 'prove'));
