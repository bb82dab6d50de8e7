-- A rule of a role may ask for another person: then nobody approves it who asked, and nobody who may not do it.
ALTER TABLE approval_request ADD COLUMN by_another boolean NOT NULL DEFAULT false;
--> statement-breakpoint
-- Without a policy bundle, whoever has no passkey approves by the password: nothing of it is kept.
ALTER TABLE approval ALTER COLUMN assertion DROP NOT NULL;
