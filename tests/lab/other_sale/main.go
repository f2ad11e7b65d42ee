// A flash sale that has nothing of Blackstart's lab: its contract alone. `other-sale api` and `other-sale worker` are
// its two programs; the environment says where they find what they need.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"
)

var began = time.Now()

// One order, as Kafka carries it.
type order struct {
	OrderID   string `json:"orderId"`
	ProductID string `json:"productId"`
	UserID    string `json:"userId"`
	Timestamp int64  `json:"timestamp"`
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: other-sale api|worker")
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %.3f\n",
			float64(began.UnixNano())/1e9)
	})
	routes.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, "ok", "") })
	switch os.Args[1] {
	case "api":
		newShop().serve(routes)
	case "worker":
		go newStockroom().work(context.Background())
	default:
		log.Fatalf("no such program: %s", os.Args[1])
	}
	log.Fatal(http.ListenAndServe(setting("LISTEN"), routes))
}

func setting(name string) string {
	value := os.Getenv(name)
	if value == "" {
		log.Fatalf("%s is not set", name)
	}
	return value
}

func answer(w http.ResponseWriter, code int, status, msg string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	said := map[string]string{"status": status}
	if msg != "" {
		said["msg"] = msg
	}
	_ = json.NewEncoder(w).Encode(said)
}

// The pool connects when it is asked for something: a database that is away at the start is no reason to end.
func database() *pgxpool.Pool {
	config, err := pgxpool.ParseConfig(setting("DATABASE_URL"))
	if err != nil {
		log.Fatal("DATABASE_URL can't be read")
	}
	config.ConnConfig.ConnectTimeout = 2 * time.Second
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		log.Fatal(err)
	}
	return pool
}

func kafka(more ...kgo.Opt) *kgo.Client {
	options := append([]kgo.Opt{
		kgo.SeedBrokers(strings.Split(setting("KAFKA_BROKER"), ",")...),
		kgo.DialTimeout(time.Second),
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 250 * time.Millisecond }),
	}, more...)
	client, err := kgo.NewClient(options...)
	if err != nil {
		log.Fatal(err)
	}
	return client
}
