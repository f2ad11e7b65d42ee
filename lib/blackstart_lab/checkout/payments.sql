SELECT pg_advisory_xact_lock(7302);

-- The gateway's own book. `reference` is what its client calls the purchase; the key is what makes a try the same try.
CREATE TABLE IF NOT EXISTS payment_charges (
    id uuid PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE,
    reference text NOT NULL,
    amount_cents bigint NOT NULL,
    charged_at timestamptz NOT NULL DEFAULT now()
);
