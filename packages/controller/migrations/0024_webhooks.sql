-- What is told to other software. The rows of what is to be sent are written by the transaction that makes it true, so that
-- nothing is told that did not happen, and nothing that happened is forgotten.

CREATE TABLE webhook (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  url text NOT NULL,
  events text[] NOT NULL,
  -- Only what is about these nodes; null: about any.
  selector text,
  created_at bigint NOT NULL,
  created_by text NOT NULL
);
--> statement-breakpoint
CREATE TABLE webhook_delivery (
  id uuid PRIMARY KEY,
  webhook_id uuid NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
  kind text NOT NULL,
  happened_at bigint NOT NULL,
  -- What it is about, for selectors; both null: a test.
  run_id uuid,
  node_id uuid,
  data jsonb NOT NULL,
  state text NOT NULL CHECK (state IN ('due', 'delivered', 'dead')),
  attempts integer NOT NULL DEFAULT 0,
  -- When it is tried next. Whoever tries it moves this on first: should that controller die, another one tries then.
  next_at bigint NOT NULL,
  give_up_at bigint NOT NULL,
  -- Who tries it: what somebody else has taken over is not recorded.
  claim uuid,
  status integer,
  says text,
  ended_at bigint
);
--> statement-breakpoint
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, next_at) WHERE state = 'due';
--> statement-breakpoint
CREATE INDEX webhook_delivery_list ON webhook_delivery (webhook_id, happened_at DESC, id);
--> statement-breakpoint
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;
--> statement-breakpoint
CREATE INDEX webhook_delivery_offline ON webhook_delivery (node_id) WHERE kind = 'node.offline' AND state = 'due';
--> statement-breakpoint
-- Public halves of the keys that controllers sign with; the private ones are files of theirs.
CREATE TABLE webhook_key (
  kid text PRIMARY KEY,
  public_text text NOT NULL,
  -- Receivers see it for a while before anything is signed by it.
  signs_from bigint NOT NULL,
  -- The controller that has it moves this on.
  shown_until bigint NOT NULL
);
--> statement-breakpoint
CREATE FUNCTION webhook_tell(told text, at bigint, run_id uuid, node_id uuid, told_data jsonb, wait_ms bigint)
  RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  now_ms bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
BEGIN
  INSERT INTO webhook_delivery (id, webhook_id, kind, happened_at, run_id, node_id, data, state, next_at, give_up_at)
  SELECT gen_random_uuid(), hook.id, told, at, run_id, node_id, told_data, 'due', now_ms + wait_ms, now_ms + wait_ms + 86400000
  FROM webhook hook WHERE told = ANY (hook.events);
END $$;
--> statement-breakpoint
-- What a receiver learns of a run: no arguments, which may hold what is nobody else's business.
CREATE FUNCTION webhook_run_data(told run) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object(
    'runId', told.id, 'action', told.action, 'mode', told.mode, 'requester', told.requester, 'reason', told.reason,
    'idempotencyKey', told.idempotency_key, 'on', told.selector, 'nodeCount', told.node_count, 'says', told.says,
    'state', CASE WHEN told.finished_at IS NOT NULL AND told.state IN ('running', 'paused') THEN 'finished' ELSE told.state END,
    'createdAt', told.created_at, 'finishedAt', told.finished_at)
$$;
--> statement-breakpoint
CREATE FUNCTION webhook_run_began() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM webhook) THEN RETURN NULL; END IF;
  PERFORM webhook_tell(CASE WHEN NEW.needs_approval AND NEW.approval IS NULL THEN 'run.waiting' ELSE 'run.started' END,
    NEW.created_at, NEW.id, NULL, webhook_run_data(NEW), 0);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER webhook_run_began AFTER INSERT ON run
  FOR EACH ROW WHEN (NEW.finished_at IS NULL) EXECUTE FUNCTION webhook_run_began();
--> statement-breakpoint
CREATE FUNCTION webhook_run_moved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  now_ms bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM webhook) THEN RETURN NULL; END IF;
  IF OLD.needs_approval AND OLD.approval IS NULL AND NEW.approval IS NOT NULL THEN
    PERFORM webhook_tell('run.started', now_ms, NEW.id, NULL, webhook_run_data(NEW), 0);
  ELSIF (NEW.state = 'paused' AND OLD.state <> 'paused')
    OR (NEW.state = 'running' AND OLD.says IS NULL AND NEW.says IS NOT NULL) THEN
    PERFORM webhook_tell('run.waiting', now_ms, NEW.id, NULL, webhook_run_data(NEW), 0);
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER webhook_run_moved AFTER UPDATE ON run FOR EACH ROW
  WHEN (NEW.finished_at IS NULL AND (OLD.state <> NEW.state OR OLD.says IS DISTINCT FROM NEW.says
    OR (OLD.approval IS NULL) <> (NEW.approval IS NULL)))
  EXECUTE FUNCTION webhook_run_moved();
--> statement-breakpoint
CREATE FUNCTION webhook_run_ended() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  counted jsonb;
  is_good boolean;
  ended jsonb;
BEGIN
  IF NOT EXISTS (SELECT FROM webhook) THEN RETURN NULL; END IF;
  SELECT jsonb_object_agg(of_state.state, of_state.n), bool_and(of_state.state IN ('succeeded', 'unchanged'))
  INTO counted, is_good FROM (
    SELECT CASE WHEN undoes IS NOT NULL THEN 'undo-' || target.state WHEN harm IS NOT NULL THEN 'harmed' ELSE target.state END AS state,
      count(*) AS n
    FROM run_target target WHERE target.run_id = NEW.id GROUP BY 1
  ) of_state;
  ended := webhook_run_data(NEW) || jsonb_build_object('counts', coalesce(counted, '{}'::jsonb));
  PERFORM webhook_tell(CASE WHEN is_good AND NEW.state IN ('running', 'paused') THEN 'run.finished' ELSE 'run.failed' END,
    NEW.finished_at, NEW.id, NULL, ended, 0);
  -- Its arguments are the address and for how long: what such a receiver asks for.
  IF NEW.mode = 'apply' AND NEW.action IN ('firewall.ban', 'firewall.unban')
    AND (counted ? 'succeeded' OR counted ? 'unchanged') THEN
    PERFORM webhook_tell(CASE NEW.action WHEN 'firewall.ban' THEN 'ban.placed' ELSE 'ban.lifted' END,
      NEW.finished_at, NEW.id, NULL, ended || jsonb_build_object('args', NEW.args), 0);
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
-- At the commit: what the same transaction stores of its orders is counted, in whatever order it was written.
CREATE CONSTRAINT TRIGGER webhook_run_ended AFTER UPDATE ON run DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL) EXECUTE FUNCTION webhook_run_ended();
--> statement-breakpoint
-- A run on nodes that all refuse at once is stored as over.
CREATE CONSTRAINT TRIGGER webhook_run_born_ended AFTER INSERT ON run DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.finished_at IS NOT NULL) EXECUTE FUNCTION webhook_run_ended();
--> statement-breakpoint
CREATE FUNCTION webhook_node_moved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  told jsonb;
BEGIN
  IF NOT EXISTS (SELECT FROM webhook) THEN RETURN NULL; END IF;
  told := jsonb_build_object('nodeId', NEW.id, 'hostName', NEW.host_name, 'labels', NEW.labels, 'roles', to_jsonb(NEW.roles),
    'lastSeenAt', NEW.last_seen_at);
  IF NEW.connected_at IS NULL THEN
    -- A minute of grace: a restarted controller, or a link that comes back, is not worth a word.
    PERFORM webhook_tell('node.offline', coalesce(NEW.last_seen_at, 0), NULL, NEW.id, told, 60000);
    RETURN NULL;
  END IF;
  WITH unsaid AS (
    DELETE FROM webhook_delivery WHERE node_id = NEW.id AND kind = 'node.offline' AND state = 'due' AND attempts = 0
    RETURNING webhook_id
  )
  INSERT INTO webhook_delivery (id, webhook_id, kind, happened_at, node_id, data, state, next_at, give_up_at)
  SELECT gen_random_uuid(), h.id, 'node.online', NEW.connected_at, NEW.id, told, 'due', t.now_ms, t.now_ms + 86400000
  FROM webhook h, (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms) t
  WHERE 'node.online' = ANY (h.events) AND h.id NOT IN (SELECT webhook_id FROM unsaid);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER webhook_node_moved AFTER UPDATE OF connected_at ON node FOR EACH ROW
  WHEN ((OLD.connected_at IS NULL) <> (NEW.connected_at IS NULL)) EXECUTE FUNCTION webhook_node_moved();
