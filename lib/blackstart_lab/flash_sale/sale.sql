-- Programs start side by side; one waits here for the other.
SELECT pg_advisory_xact_lock(7300);

CREATE TABLE IF NOT EXISTS products (
    id text PRIMARY KEY,
    stock integer NOT NULL,
    sale text NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS orders (
    id text PRIMARY KEY,
    product_id text NOT NULL,
    user_id text NOT NULL,
    created_at timestamptz NOT NULL
);

-- An order and its unit, or neither. What another sale of the same product has left in Kafka is refused.
CREATE OR REPLACE FUNCTION persist_order(
    its_id text, its_product text, its_user text, its_time timestamptz, its_sale text
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders (id, product_id, user_id, created_at)
        VALUES (its_id, its_product, its_user, its_time) ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'known';
    END IF;
    UPDATE products SET stock = stock - 1 WHERE id = its_product AND stock > 0 AND sale = its_sale;
    IF FOUND THEN
        RETURN 'written';
    END IF;
    DELETE FROM orders WHERE id = its_id;
    RETURN 'refused';
END $$;

-- The product's row first: a worker that writes orders of the sale before holds it, or waits for it and is refused.
CREATE OR REPLACE FUNCTION open_sale(its_product text, its_stock integer, its_sale text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO products (id, stock, sale) VALUES (its_product, its_stock, its_sale)
        ON CONFLICT (id) DO UPDATE SET stock = its_stock, sale = its_sale;
    DELETE FROM orders WHERE product_id = its_product;
END $$;
