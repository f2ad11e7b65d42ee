package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
)

// What people, and PAUSE_ON_FAIL, ask of it.
func (t *trader) operated(routes *http.ServeMux) {
	set := func(paused bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.paused = paused
	}
	routes.HandleFunc("POST /pause", func(w http.ResponseWriter, _ *http.Request) {
		set(true)
		log.Print("paused, as asked for")
		answer(w, 200, map[string]any{"status": "paused"})
	})
	routes.HandleFunc("POST /resume", func(w http.ResponseWriter, _ *http.Request) {
		set(false)
		log.Print("resumed, as asked for")
		answer(w, 200, map[string]any{"status": "resumed"})
	})
	routes.HandleFunc("POST /flatten", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), databaseAtMost)
		defer cancel()
		if err := t.rows.Ping(ctx); err != nil { // positions are in the database
			answer(w, 500, map[string]any{"error": "positions are not known"})
			return
		}
		set(true)
		log.Printf("flattened: %s", r.FormValue("reason"))
		answer(w, 200, map[string]any{"status": "flattened"})
	})
	routes.HandleFunc("POST /mode", func(w http.ResponseWriter, r *http.Request) {
		var wanted struct{ Mode string }
		if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil || wanted.Mode != "PAPER" {
			answer(w, 403, map[string]any{"error": "PAPER only"})
			return
		}
		log.Print("mode PAPER")
		answer(w, 200, map[string]any{"mode": "PAPER"})
	})
}
