-- Two instances may start at the same moment; one waits here for the other.
SELECT pg_advisory_xact_lock(7200);

CREATE TABLE IF NOT EXISTS orders (
    order_id bigserial PRIMARY KEY,
    client_order_id text NOT NULL UNIQUE,
    side text NOT NULL,
    quantity numeric NOT NULL,
    price numeric NOT NULL,
    status text NOT NULL,
    token bigint NOT NULL,
    instance_id text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE IF NOT EXISTS audit (
    id bigserial PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    action text NOT NULL,
    detail text NOT NULL
);
CREATE SEQUENCE IF NOT EXISTS fencing_token;
CREATE TABLE IF NOT EXISTS fencing (
    token bigint PRIMARY KEY,
    instance_id text NOT NULL,
    acquired_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A new leader's token. The lock makes it wait for orders under way, and orders after it see the new token.
CREATE OR REPLACE FUNCTION take_token(its_instance text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE taken bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7201);
    INSERT INTO fencing (token, instance_id) VALUES (nextval('fencing_token'), its_instance) RETURNING token INTO taken;
    RETURN taken;
END $$;

-- One statement, one transaction: an order is there exactly once, or not at all, or of an older leader and refused.
CREATE OR REPLACE FUNCTION place_order(
    its_id text, its_side text, its_quantity numeric, its_price numeric, its_token bigint, its_instance text
) RETURNS TABLE (outcome text, placed_id bigint) LANGUAGE plpgsql AS $$
DECLARE
    fresh bigint;
    known orders%ROWTYPE;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7201);
    IF its_token < (SELECT max(token) FROM fencing) THEN
        RETURN QUERY SELECT 'fenced', NULL::bigint;
        RETURN;
    END IF;
    INSERT INTO orders (client_order_id, side, quantity, price, status, token, instance_id)
        VALUES (its_id, its_side, its_quantity, its_price, 'PLACED', its_token, its_instance)
        ON CONFLICT (client_order_id) DO NOTHING RETURNING order_id INTO fresh;
    IF fresh IS NOT NULL THEN
        RETURN QUERY SELECT 'placed', fresh;
        RETURN;
    END IF;
    SELECT * INTO known FROM orders WHERE client_order_id = its_id;
    IF (known.side, known.quantity, known.price) = (its_side, its_quantity, its_price) THEN
        RETURN QUERY SELECT 'duplicate', known.order_id;
    ELSE
        RETURN QUERY SELECT 'mismatch', known.order_id;
    END IF;
END $$;
