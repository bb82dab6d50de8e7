-- When nodes may be changed: again and again (cron, zone, duration), or once (from, until).
CREATE TABLE maintenance_window (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  kind text NOT NULL CHECK (kind IN ('only-inside', 'freeze')),
  selector text NOT NULL,
  cron text,
  zone text NOT NULL,
  duration_minutes integer,
  from_at bigint,
  until_at bigint,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  CHECK ((cron IS NULL) = (duration_minutes IS NULL)),
  CHECK ((cron IS NULL) = (from_at IS NOT NULL)),
  CHECK ((from_at IS NULL) = (until_at IS NULL))
);
--> statement-breakpoint
-- 'free': it changes nothing. 'override': a person had the right and gave a reason.
ALTER TABLE run ADD COLUMN window_rule text NOT NULL DEFAULT 'free' CHECK (window_rule IN ('free', 'bound', 'override'));
