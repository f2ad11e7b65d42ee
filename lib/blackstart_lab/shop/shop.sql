-- Programs start side by side; one waits here for the other.
SELECT pg_advisory_xact_lock(7400);

CREATE TABLE IF NOT EXISTS products (
    id text PRIMARY KEY,
    name text NOT NULL
);
CREATE TABLE IF NOT EXISTS orders (
    id text PRIMARY KEY,
    product_id text NOT NULL,
    quantity integer NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    told boolean NOT NULL DEFAULT false, -- what became of it is told, as far as is known
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS orders_pending ON orders (created_at) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS orders_untold ON orders (created_at) WHERE NOT told;
-- `fence` is the highest token that a holder of the product's lock has shown here.
CREATE TABLE IF NOT EXISTS inventory (
    product_id text PRIMARY KEY,
    quantity bigint NOT NULL,
    fence bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS inventory_changes (
    id text PRIMARY KEY,
    product_id text NOT NULL,
    delta bigint NOT NULL,
    kind text NOT NULL,
    instance text NOT NULL,
    token bigint NOT NULL
);
-- What was attempted, and what came of it: one row each, none is ever changed.
CREATE TABLE IF NOT EXISTS inventory_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    change_id text NOT NULL,
    product_id text NOT NULL,
    instance text NOT NULL,
    token bigint,
    outcome text NOT NULL
);
CREATE INDEX IF NOT EXISTS inventory_audit_change ON inventory_audit (change_id);

-- A change and its stock, or neither. `its_left` was reckoned from what the holder of the token has read: it is written
-- only while no newer token has been shown.
CREATE OR REPLACE FUNCTION change_stock(
    its_id text, its_product text, its_delta bigint, its_kind text, its_instance text, its_token bigint, its_left bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    came_of_it text := 'won';
BEGIN
    INSERT INTO inventory_changes VALUES (its_id, its_product, its_delta, its_kind, its_instance, its_token)
        ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        came_of_it := 'known';
    ELSE
        UPDATE inventory SET quantity = its_left WHERE product_id = its_product AND fence = its_token;
        IF NOT FOUND THEN
            DELETE FROM inventory_changes WHERE id = its_id;
            came_of_it := 'stale';
        END IF;
    END IF;
    INSERT INTO inventory_audit (change_id, product_id, instance, token, outcome)
        VALUES (its_id, its_product, its_instance, its_token, came_of_it);
    RETURN came_of_it;
END $$;
