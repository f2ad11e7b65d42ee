-- Programs start side by side; one waits here for the other.
SELECT pg_advisory_xact_lock(7301);

-- Who comes first decides what a key is for, and under which id; `answer` is what every later request gets.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    key text PRIMARY KEY,
    request_hash text NOT NULL,
    cart jsonb NOT NULL,
    session_id uuid NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    answer jsonb
);
CREATE INDEX IF NOT EXISTS unanswered ON idempotency_keys (claimed_at) WHERE answer IS NULL;

CREATE TABLE IF NOT EXISTS checkout_sessions (
    id uuid PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE,
    customer text NOT NULL,
    total_cents bigint NOT NULL,
    charge_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS checkout_items (
    session_id uuid NOT NULL REFERENCES checkout_sessions (id),
    line integer NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL,
    unit_cents integer NOT NULL,
    PRIMARY KEY (session_id, line)
);
