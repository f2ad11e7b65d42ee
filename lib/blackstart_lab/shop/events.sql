-- Programs start side by side; one waits here for the other.
SELECT pg_advisory_xact_lock(7301);

CREATE TABLE IF NOT EXISTS processed_events (
    position bigint GENERATED ALWAYS AS IDENTITY,
    event_id text PRIMARY KEY,
    event_type text NOT NULL,
    correlation_id text NOT NULL,
    source_service text NOT NULL,
    data jsonb NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);
