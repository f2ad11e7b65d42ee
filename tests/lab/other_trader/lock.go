package main

import (
	"context"
	"log"
	mathrand "math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	lockKey     = "trader:leader"
	lockTTL     = 30 * time.Second
	lockRefresh = 10 * time.Second
	lockJitter  = 500 * time.Millisecond
)

var backoff = []time.Duration{1, 2, 4, 8, 15, 30} // seconds; the last repeats

// Taking and keeping are one: the key is set where nobody else has it.
var hold = redis.NewScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

// Leads and renews while it can, and comes back with growing pauses.
func (t *trader) lead() {
	for failed := 0; ; {
		sent := time.Now()
		held, err := hold.Run(context.Background(), t.redis, []string{lockKey}, t.id, lockTTL.Milliseconds()).Bool()
		if held && time.Since(sent) < lockTTL {
			t.led(sent.Add(lockTTL))
			failed = 0
			time.Sleep(time.Until(sent.Add(lockRefresh)))
			continue
		}
		t.lost(err)
		pause := backoff[min(failed, len(backoff)-1)] * time.Second
		failed++
		time.Sleep(pause + mathrand.N(lockJitter))
	}
}

func (t *trader) led(until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until.IsZero() {
		log.Print("leads")
		t.paused = false
	}
	t.until = until
	t.shown.leader.WithLabelValues(t.id).Set(1)
}

func (t *trader) lost(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	log.Printf("does not lead: %v", why)
	t.until, t.paused = time.Time{}, true
	t.shown.leader.WithLabelValues(t.id).Set(0)
	t.shown.cutOff.WithLabelValues("leader_lock_lost").Inc()
}

// A lease that ran out unseen, as in a process that was frozen, ends leadership, too.
func (t *trader) leads() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Before(t.until)
}

func (t *trader) mayTrade() bool {
	leads := t.leads()
	t.mu.Lock()
	defer t.mu.Unlock()
	return leads && !t.paused
}
