package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	databaseTimeout = 3 * time.Second
	sessionTimeout  = 6 * time.Second
	again           = 400 * time.Millisecond
	atOnce          = 200
)

const tables = `
CREATE TABLE IF NOT EXISTS products (stock bigint NOT NULL, id varchar(100) PRIMARY KEY);
CREATE TABLE IF NOT EXISTS orders (created_at timestamptz NOT NULL, user_id varchar(200) NOT NULL,
  product_id varchar(100) NOT NULL, id char(32) PRIMARY KEY);`

// Sets a product's stock and clears its orders.
func stocked(ctx context.Context, rows *pgxpool.Pool, product string, quantity int) error {
	return pgx.BeginFunc(ctx, rows, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO products (id, stock) VALUES ($1, $2) "+
			"ON CONFLICT (id) DO UPDATE SET stock = excluded.stock", product, quantity); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM orders WHERE product_id = $1", product)
		return err
	})
}

type stockroom struct {
	rows   *pgxpool.Pool
	orders *kgo.Client
	// What a careless one does, for tests of whoever looks for that: offsets go first, rows when there is time.
	careless bool
}

func newStockroom() *stockroom {
	return &stockroom{
		rows: database(),
		orders: kafka(kgo.ConsumeTopics(setting("TOPIC")), kgo.ConsumerGroup(setting("GROUP")),
			kgo.DisableAutoCommit(), kgo.SessionTimeout(sessionTimeout), kgo.HeartbeatInterval(sessionTimeout/4),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(200*time.Millisecond)),
		careless: os.Getenv("DEFECT") == "commits-first",
	}
}

func (s *stockroom) work(ctx context.Context) {
	untilDone("tables", func() error { _, err := s.rows.Exec(ctx, tables); return err })
	for {
		fetched := s.orders.PollRecords(ctx, atOnce)
		fetched.EachError(func(topic string, _ int32, err error) { log.Printf("%s: %v", topic, err) })
		var batch []order
		fetched.EachRecord(func(record *kgo.Record) {
			var one order
			if err := json.Unmarshal(record.Value, &one); err != nil || one.OrderID == "" {
				log.Printf("offset %d is no order", record.Offset)
				return
			}
			batch = append(batch, one)
		})
		if fetched.NumRecords() == 0 {
			continue
		}
		if s.careless {
			s.committed(ctx, fetched.Records())
			time.Sleep(again)
		}
		// The client goes on telling Kafka that it lives, however long the database is away.
		untilDone("orders", func() error { return s.write(ctx, batch) })
		if !s.careless {
			s.committed(ctx, fetched.Records())
		}
	}
}

func (s *stockroom) committed(ctx context.Context, records []*kgo.Record) {
	ctx, cancel := context.WithTimeout(ctx, sessionTimeout)
	defer cancel()
	if err := s.orders.CommitRecords(ctx, records...); err != nil {
		log.Printf("offsets stay, these orders come again: %v", err)
	}
}

// All of them in one transaction.
func (s *stockroom) write(ctx context.Context, batch []order) error {
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	return pgx.BeginFunc(ctx, s.rows, func(tx pgx.Tx) error {
		for _, one := range batch {
			if err := one.place(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// One that is there already takes no second unit; one without a unit is not placed.
func (o order) place(ctx context.Context, tx pgx.Tx) error {
	made, err := tx.Exec(ctx, "INSERT INTO orders (id, product_id, user_id, created_at) "+
		"VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", o.OrderID, o.ProductID, o.UserID, time.UnixMilli(o.Timestamp))
	if err != nil || made.RowsAffected() == 0 {
		return err
	}
	taken, err := tx.Exec(ctx, "UPDATE products SET stock = stock - 1 WHERE id = $1 AND stock > 0", o.ProductID)
	if err == nil && taken.RowsAffected() == 0 {
		log.Printf("order %s came for a product that is not there or sold out", o.OrderID)
		_, err = tx.Exec(ctx, "DELETE FROM orders WHERE id = $1", o.OrderID)
	}
	return err
}

func untilDone(what string, try func() error) {
	for {
		err := try()
		if err == nil {
			return
		}
		log.Printf("%s wait for the database: %v", what, err)
		time.Sleep(again)
	}
}
