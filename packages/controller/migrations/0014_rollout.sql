-- Runs over many nodes: sequences of actions, waves, and what holds them. All of a run's progress is in these rows, so
-- that any controller goes on with it after any other died.

ALTER TABLE run ADD COLUMN steps jsonb NOT NULL DEFAULT '[]';
--> statement-breakpoint
ALTER TABLE run ADD COLUMN selector text;
--> statement-breakpoint
-- 'running' ends with finished_at; a run that was stopped or cancelled stays so.
ALTER TABLE run ADD COLUMN state text NOT NULL DEFAULT 'running'
  CHECK (state IN ('running', 'paused', 'stopped', 'cancelled'));
--> statement-breakpoint
ALTER TABLE run ADD COLUMN says text;
--> statement-breakpoint
-- Null: every order was made when the run was.
ALTER TABLE run ADD COLUMN rollout jsonb;
--> statement-breakpoint
-- Orders of this wave and those before it may be made; of later ones not.
ALTER TABLE run ADD COLUMN wave integer NOT NULL DEFAULT 0;
--> statement-breakpoint
-- When the last order of the wave ended; null: it has not, or nobody has seen it yet.
ALTER TABLE run ADD COLUMN wave_ended_at bigint;
--> statement-breakpoint
-- It was stopped, and what succeeded is being taken back. Such a run counts one open order more, so that it does not end
-- between an outcome and its undo.
ALTER TABLE run ADD COLUMN is_undoing boolean NOT NULL DEFAULT false;
--> statement-breakpoint
ALTER TABLE run ADD COLUMN node_count integer NOT NULL DEFAULT 0;
--> statement-breakpoint
UPDATE run SET node_count = (SELECT count(*) FROM run_target WHERE run_target.run_id = run.id);
--> statement-breakpoint
ALTER TABLE run ADD COLUMN start_within_ms integer NOT NULL DEFAULT 60000;
--> statement-breakpoint
ALTER TABLE run ADD COLUMN supersede_key text;
--> statement-breakpoint
ALTER TABLE run ADD COLUMN retry_of uuid;
--> statement-breakpoint
CREATE INDEX run_rolling ON run (created_at) WHERE rollout IS NOT NULL AND finished_at IS NULL;
--> statement-breakpoint
CREATE INDEX run_supersede ON run (supersede_key) WHERE supersede_key IS NOT NULL;
--> statement-breakpoint
-- Which step of the sequence this order is, from 0.
ALTER TABLE run_target ADD COLUMN position integer NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE run_target ADD COLUMN wave integer NOT NULL DEFAULT 0;
--> statement-breakpoint
-- Hash of the plan of this node that a person confirmed.
ALTER TABLE run_target ADD COLUMN plan_hash text;
--> statement-breakpoint
-- Why the node was found unhealthy after its success.
ALTER TABLE run_target ADD COLUMN harm text;
--> statement-breakpoint
-- Failed units of the node when its first order was made; null: not known.
ALTER TABLE run_target ADD COLUMN failed_units integer;
--> statement-breakpoint
-- The order that this one takes back.
ALTER TABLE run_target ADD COLUMN undoes uuid;
--> statement-breakpoint
ALTER TABLE run_target DROP CONSTRAINT run_target_state_check;
--> statement-breakpoint
-- 'waiting': not signed, and not to be signed before its wave, or the step before it, is done.
ALTER TABLE run_target ADD CONSTRAINT run_target_state_check CHECK (state IN (
  'waiting', 'queued', 'leased', 'delivered', 'started',
  'succeeded', 'unchanged', 'failed', 'refused', 'expired', 'cancelled', 'superseded', 'undetermined'
));
