-- Runs that start again and again. What is due is in these rows, and the key of each run is made of the schedule and the
-- time, so that of several controllers, or of one before and after a restart, only one starts it.

CREATE TABLE schedule (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  cron text NOT NULL,
  zone text NOT NULL,
  missed text NOT NULL CHECK (missed IN ('run-once', 'skip')),
  state text NOT NULL CHECK (state IN ('active', 'paused', 'stopped')),
  says text,
  -- The request of the runs, without nodes or selector; those stand beside it.
  request jsonb NOT NULL,
  nodes jsonb,
  selector text,
  -- In whose name it runs; the scope of the API token that it was made with bounds it too.
  requester_id text NOT NULL,
  requester text NOT NULL,
  scope jsonb,
  created_at bigint NOT NULL,
  -- Null unless it is active.
  next_at bigint,
  last_at bigint,
  last_run_id uuid,
  CHECK ((nodes IS NULL) <> (selector IS NULL)),
  CHECK ((next_at IS NOT NULL) = (state = 'active'))
);
--> statement-breakpoint
CREATE INDEX schedule_due ON schedule (next_at) WHERE next_at IS NOT NULL;
--> statement-breakpoint
CREATE TRIGGER schedule_no_leaver BEFORE INSERT OR UPDATE OF requester_id ON schedule
  FOR EACH ROW EXECUTE FUNCTION refuse_leaver('requester_id');
