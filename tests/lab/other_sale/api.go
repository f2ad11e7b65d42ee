package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"log"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	redisTimeout = 1500 * time.Millisecond
	kafkaTimeout = 2 * time.Second
)

// A key is entered together with the order that it stands for and the unit that the order takes. Nothing ever takes
// that back: whoever comes with the key again finds the same order, and sends it once more as long as nobody has seen
// Kafka confirm it. The worker knows an order that it has by its id.
var enter = redis.NewScript(`
local known = redis.call('HMGET', KEYS[1], 'order', 'confirmed')
if known[1] then return {known[2] and 'confirmed' or 'open', known[1]} end
if redis.call('INCR', KEYS[2]) > tonumber(ARGV[1]) then
  redis.call('EXPIRE', KEYS[2], 5)
  return {'full', ''}
end
redis.call('EXPIRE', KEYS[2], 5)
local left = tonumber(redis.call('GET', KEYS[3]) or '0')
if left < 1 then return {'sold_out', ''} end
redis.call('DECR', KEYS[3])
redis.call('HSET', KEYS[1], 'order', ARGV[2])
redis.call('EXPIRE', KEYS[1], 3600)
return {'new', ARGV[2]}`)

type shop struct {
	gate  string
	room  string
	redis *redis.Client
	topic string
	kafka *kgo.Client
	rows  *pgxpool.Pool
}

func newShop() *shop {
	where, err := redis.ParseURL(setting("REDIS_URL"))
	if err != nil {
		log.Fatal("REDIS_URL can't be read")
	}
	where.MaxRetries = -1 // who ordered may try again: the key makes that safe
	where.DialTimeout, where.ReadTimeout, where.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	where.PoolSize, where.PoolTimeout = 200, redisTimeout
	return &shop{
		gate:  setting("GATE_PER_S"),
		room:  setting("WAITING_ROOM"),
		redis: redis.NewClient(where),
		topic: setting("TOPIC"),
		// An order that is written twice is one order, so that a record may be given up, and may still arrive.
		kafka: kafka(kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite(), kgo.ProducerLinger(0),
			kgo.RecordDeliveryTimeout(kafkaTimeout), kgo.ProduceRequestTimeout(kafkaTimeout)),
		rows: database(),
	}
}

func (s *shop) serve(routes *http.ServeMux) {
	routes.HandleFunc("/init", s.open)
	routes.HandleFunc("/order", s.order)
}

func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("x-idempotency-key")
	if key == "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"Missing Idempotency Key"}`))
		return
	}
	wanted := order{OrderID: newID(), Timestamp: time.Now().UnixMilli()}
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil || wanted.ProductID == "" || wanted.UserID == "" {
		answer(w, http.StatusBadRequest, "error", "productId and userId are needed")
		return
	}
	second := "rate:" + strconv.FormatInt(time.Now().Unix(), 10)
	keys := []string{"key:" + key, second, "product:" + wanted.ProductID + ":stock"}
	found, err := enter.Run(r.Context(), s.redis, keys, s.gate, wanted.OrderID).StringSlice()
	if err != nil {
		s.failed(w, key, err)
		return
	}
	wanted.OrderID = found[1]
	switch found[0] {
	case "full":
		http.Redirect(w, r, s.room, http.StatusFound)
	case "sold_out":
		answer(w, http.StatusConflict, "sold_out", "Inventory empty")
	case "confirmed":
		answer(w, http.StatusOK, "ignored", "Duplicate request")
	default:
		if err := s.send(wanted, keys[0]); err != nil {
			s.failed(w, key, err)
			return
		}
		answer(w, http.StatusOK, "success", "Order accepted")
	}
}

// Not ended with the request: what has begun is better finished, whoever waits for it.
func (s *shop) send(one order, key string) error {
	value, _ := json.Marshal(one)
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTimeout)
	defer cancel()
	record := &kgo.Record{Topic: s.topic, Value: value}
	if err := s.kafka.ProduceSync(ctx, record).FirstErr(); err != nil {
		return err
	}
	go func() { // a key that stays open only means that the same order is sent again
		if err := s.redis.HSet(context.Background(), key, "confirmed", "1").Err(); err != nil {
			log.Printf("%s stays open: %v", key, err)
		}
	}()
	return nil
}

func (s *shop) failed(w http.ResponseWriter, key string, err error) {
	log.Printf("order %s: %v", key, err)
	answer(w, http.StatusInternalServerError, "error", "Order processing failed")
}

// Sold out in Redis until the database is ready for the new sale.
func (s *shop) open(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		ProductID string `json:"productId"`
		Quantity  int    `json:"quantity"`
	}
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil || wanted.ProductID == "" || wanted.Quantity < 0 {
		answer(w, http.StatusBadRequest, "error", "productId and quantity are needed")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	stock := "product:" + wanted.ProductID + ":stock"
	err := s.redis.Set(ctx, stock, 0, 0).Err()
	if err == nil {
		err = stocked(ctx, s.rows, wanted.ProductID, wanted.Quantity)
	}
	if err == nil {
		err = s.redis.Set(ctx, stock, wanted.Quantity, 0).Err()
	}
	if err != nil {
		log.Printf("no sale of %s: %v", wanted.ProductID, err)
		answer(w, http.StatusInternalServerError, "error", "Sale not opened")
		return
	}
	answer(w, http.StatusOK, "ok", "Sale opened")
}

func newID() string {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		panic(err)
	}
	return hex.EncodeToString(id)
}
