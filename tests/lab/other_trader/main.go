// A trader that has nothing of Blackstart's lab: its contract alone, in docs/targets.md. It keeps the numbers of the
// original system; the environment says where it finds its stores.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

const (
	scanPeriod       = 5 * time.Second
	streamPeriod     = time.Second
	heartbeatMax     = 5 * time.Second
	redisTimeout     = 400 * time.Millisecond
	placedPerSecond  = 5
	plansAtMost      = 1000
	databaseAtMost   = 1500 * time.Millisecond
	databaseSessions = 8
)

type trader struct {
	id    string
	redis *redis.Client
	rows  *pgxpool.Pool
	shown *shown
	plans chan order

	mu     sync.Mutex // guards all below
	until  time.Time  // end of the lease as known; the zero time where it does not lead
	paused bool
	live   bool
	beats  map[string]time.Time
	known  map[string]bool // plans by their key
}

func main() {
	where, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		log.Fatal("REDIS_URL can't be read")
	}
	where.MaxRetries = -1 // what is tried again, and when, is the lock's own affair
	where.DialTimeout, where.ReadTimeout, where.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal("DATABASE_URL can't be read")
	}
	config.MaxConns = databaseSessions
	rows, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		log.Fatal(err)
	}
	t := &trader{
		id: rand.Text(), redis: redis.NewClient(where), rows: rows, plans: make(chan order, plansAtMost),
		paused: true, beats: map[string]time.Time{}, known: map[string]bool{},
	}
	t.shown = newShown(t)
	go t.lead()
	go t.throttle()
	go t.every(scanPeriod, "scan", t.scan)
	go t.every(streamPeriod, "order_stream", func() {})
	go t.every(streamPeriod, "marketdata", func() {})
	log.Fatal(http.ListenAndServe(os.Getenv("LISTEN"), t.routes()))
}

func (t *trader) every(period time.Duration, beat string, work func()) {
	for ; ; time.Sleep(period) {
		t.mu.Lock()
		t.beats[beat] = time.Now()
		t.mu.Unlock()
		work()
	}
}

// One small order of its own, where it may.
func (t *trader) scan() {
	t.shown.scans.Inc()
	if t.mayTrade() {
		_, _ = t.place(order{Key: "scan-" + rand.Text(), Side: "BUY", Quantity: 1, Price: 100}, "scan")
	}
}

func (t *trader) age(beat string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.beats[beat])
}

func (t *trader) routes() http.Handler {
	routes := http.NewServeMux()
	routes.Handle("GET /metrics", t.shown.page())
	routes.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"version": "go", "status": "healthy"})
	})
	routes.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		ages, code := map[string]any{}, 200
		for _, beat := range beats {
			ages[beat] = t.age(beat).Seconds()
			if t.age(beat) >= heartbeatMax {
				code = 503
			}
		}
		if !t.leads() {
			code = 503
		}
		answer(w, code, map[string]any{"ready": code == 200, "ages": ages})
	})
	routes.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		t.mu.Lock()
		defer t.mu.Unlock()
		answer(w, 200, map[string]any{"positions_count": 0, "paused": t.paused, "mode": mode(t.live)})
	})
	routes.HandleFunc("POST /order", t.takeOrder)
	routes.HandleFunc("POST /plan", t.takePlan)
	t.operated(routes)
	return routes
}

func mode(live bool) string {
	if live {
		return "LIVE"
	}
	return "PAPER"
}

func answer(w http.ResponseWriter, code int, said map[string]any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(said)
}
