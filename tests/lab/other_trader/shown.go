package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var beats = []string{"scan", "order_stream", "marketdata"}

// Its series.
type shown struct {
	registry *prometheus.Registry
	leader   *prometheus.GaugeVec
	depth    *prometheus.GaugeVec
	cutOff   *prometheus.CounterVec
	orders   *prometheus.CounterVec
	scans    prometheus.Counter
}

func newShown(t *trader) *shown {
	gauge := func(name string) prometheus.GaugeOpts { return prometheus.GaugeOpts{Name: name, Help: "See its name."} }
	counter := func(name string) prometheus.CounterOpts { return prometheus.CounterOpts(gauge(name)) }
	s := &shown{
		registry: prometheus.NewRegistry(),
		leader:   prometheus.NewGaugeVec(gauge("trader_is_leader"), []string{"instance_id"}),
		depth:    prometheus.NewGaugeVec(gauge("trader_throttle_queue_depth"), []string{"queue"}),
		cutOff:   prometheus.NewCounterVec(counter("trader_kill_switch_total"), []string{"reason"}),
		orders:   prometheus.NewCounterVec(counter("trader_orders_placed_total"), []string{"order_type", "status"}),
		scans:    prometheus.NewCounter(counter("trader_scan_ticks_total")),
	}
	s.registry.MustRegister(s.leader, s.depth, s.cutOff, s.orders, s.scans)
	for _, beat := range beats {
		s.registry.MustRegister(prometheus.NewGaugeFunc(gauge("trader_"+beat+"_heartbeat_seconds"),
			func() float64 { return t.age(beat).Seconds() }))
	}
	return s
}

func (s *shown) page() http.Handler { return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}) }
