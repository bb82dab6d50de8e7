-- When the node itself saw that something changed: of a difference, and of what a compare was made for.

ALTER TABLE pool_drift ADD COLUMN changed_at bigint;
--> statement-breakpoint
-- Areas of the node's configuration with the time of their change; null: nothing was said.
ALTER TABLE pool_work ADD COLUMN hinted jsonb;
