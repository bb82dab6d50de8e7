-- Keys of nodes: nodes that are barred, the counter that finds a copied disk, and keys that are being replaced.

-- A node that was revoked by a person, or locked because two copies of it had connected. Only an enrolment lifts it.
ALTER TABLE node ADD COLUMN barred_at bigint;
--> statement-breakpoint
ALTER TABLE node ADD COLUMN barred_why text CHECK (barred_why IN ('revoked', 'two-copies'));
--> statement-breakpoint
ALTER TABLE node ADD COLUMN barred_by text;
--> statement-breakpoint
ALTER TABLE node ADD COLUMN barred_reason text;
--> statement-breakpoint
ALTER TABLE node ADD CONSTRAINT node_barred CHECK ((barred_at IS NULL) = (barred_why IS NULL));
--> statement-breakpoint
-- Number of the last link that was counted, and the hex SHA-256 of its mark, which the next link must show (KEYS4).
ALTER TABLE node ADD COLUMN join_counter bigint NOT NULL DEFAULT 0;
--> statement-breakpoint
-- Null: no link was counted yet, and the next one to prove the key is believed.
ALTER TABLE node ADD COLUMN join_mark_hash text;
--> statement-breakpoint
-- Hashes of the marks that the node showed then.
ALTER TABLE node ADD COLUMN join_shown_hashes text[] NOT NULL DEFAULT '{}';
--> statement-breakpoint
-- The link key that takes over when it is first used; the old one is good until then (KEYS9).
ALTER TABLE node ADD COLUMN next_link_key text;
--> statement-breakpoint
ALTER TABLE node ADD COLUMN link_key_since bigint;
--> statement-breakpoint
-- A token that enrols a known node again, instead of making one.
ALTER TABLE join_token ADD COLUMN node_id uuid REFERENCES node (id);
