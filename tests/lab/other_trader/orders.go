package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"time"
)

const table = `CREATE TABLE IF NOT EXISTS orders (price numeric NOT NULL, quantity numeric NOT NULL, side text NOT NULL,
  order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, client_order_id varchar(200) UNIQUE NOT NULL)`

type order struct {
	Key      string  `json:"client_order_id"`
	Side     string  `json:"side"`
	Quantity float64 `json:"quantity"`
	Price    float64 `json:"price"`
}

// In the database once, however often it is asked for; whether it is new there.
func (t *trader) place(one order, kind string) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), databaseAtMost)
	defer cancel()
	fresh, err := t.inserted(ctx, one)
	status := map[bool]string{true: "placed", false: "duplicate"}[fresh]
	if err != nil {
		log.Printf("%s is not placed: %v", one.Key, err)
		status = "rejected"
	}
	t.shown.orders.WithLabelValues(kind, status).Inc()
	return fresh, err
}

func (t *trader) inserted(ctx context.Context, one order) (bool, error) {
	if _, err := t.rows.Exec(ctx, table); err != nil { // the database may be another one, or come after us
		return false, err
	}
	done, err := t.rows.Exec(ctx, "INSERT INTO orders (client_order_id, side, quantity, price) VALUES ($1, $2, $3, $4) "+
		"ON CONFLICT (client_order_id) DO NOTHING", one.Key, one.Side, one.Quantity, one.Price)
	return done.RowsAffected() == 1, err
}

// One after the other; a plan waits for as long as it can't be placed.
func (t *trader) throttle() {
	for one := range t.plans {
		for placed := false; !placed; {
			time.Sleep(time.Second / placedPerSecond)
			if t.mayTrade() {
				_, err := t.place(one, "plan")
				placed = err == nil
			}
		}
		t.shown.depth.WithLabelValues("plans").Dec()
	}
}

// What is asked for, where it can be understood and it may trade; answered otherwise.
func (t *trader) asked(w http.ResponseWriter, r *http.Request) (order, bool) {
	var one order
	err := json.NewDecoder(r.Body).Decode(&one)
	switch {
	case err != nil || one.Key == "" || one.Quantity <= 0 || one.Price <= 0:
		answer(w, 422, map[string]any{"error": "client_order_id, side, quantity and price are needed"})
	case !t.mayTrade():
		answer(w, 409, map[string]any{"error": "trading is paused"})
	default:
		return one, true
	}
	return one, false
}

func (t *trader) takeOrder(w http.ResponseWriter, r *http.Request) {
	one, ok := t.asked(w, r)
	if !ok {
		return
	}
	fresh, err := t.place(one, "order")
	if err != nil {
		answer(w, 503, map[string]any{"error": "the database does not answer"})
		return
	}
	answer(w, 200, map[string]any{"new": fresh, "client_order_id": one.Key})
}

func (t *trader) takePlan(w http.ResponseWriter, r *http.Request) {
	one, ok := t.asked(w, r)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known[one.Key] {
		select {
		case t.plans <- one:
			t.known[one.Key] = true
			t.shown.depth.WithLabelValues("plans").Inc()
		default:
			answer(w, 429, map[string]any{"error": "the queue is full"})
			return
		}
	}
	answer(w, 202, map[string]any{"client_order_id": one.Key})
}
