// Command consumer is the naive consumer in Go: XREADGROUP of 1,000 entries with go-redis, the next read under way while one
// is counted, validation by hand, client_golang for each event, one XACK per batch. Nothing is durable.
//
// It prints a line of JSON when it is loaded, begins when a line arrives on its input, and prints the number of events that
// it has counted when the stream has no more. It ends when its input ends.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

const (
	stream      = "streamfold:{0}:events"
	group       = "go"
	readEntries = 1000
)

type fields map[string]any

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(url string) error {
	ctx := context.Background()
	options, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.XGroupCreateMkStream(ctx, stream, group, "0").Err(); err != nil {
		return err
	}
	counts := newMetrics(prometheus.NewRegistry())
	fmt.Println(`{"type":"loaded"}`)
	input := bufio.NewReader(os.Stdin)
	if _, err := input.ReadString('\n'); err != nil {
		return err
	}
	batches := make(chan []redis.XMessage, 1)
	failed := make(chan error, 1)
	go read(ctx, client, batches, failed)
	events := 0
	for batch := range batches {
		ids := make([]string, len(batch))
		for i, entry := range batch {
			ids[i] = entry.ID
			events += counts.observeEntry(entry.Values)
		}
		if err := client.XAck(ctx, stream, group, ids...).Err(); err != nil {
			return err
		}
	}
	if err := <-failed; err != nil {
		return err
	}
	fmt.Printf("{\"type\":\"done\",\"events\":%d}\n", events)
	// Its CPU time can be read until it ends.
	_, _ = io.Copy(io.Discard, input)
	return nil
}

// read sends batches until the stream has no more.
func read(ctx context.Context, client *redis.Client, batches chan<- []redis.XMessage, failed chan<- error) {
	defer close(batches)
	for {
		reply, err := client.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: group, Consumer: "c", Streams: []string{stream, ">"}, Count: readEntries, Block: -1,
		}).Result()
		if err == redis.Nil || (err == nil && len(reply) == 0) {
			failed <- nil
			return
		}
		if err != nil {
			failed <- err
			return
		}
		batches <- reply[0].Messages
	}
}

type metrics struct {
	latency, blocking *prometheus.HistogramVec
	sent, timeouts    *prometheus.CounterVec
}

func newMetrics(registry *prometheus.Registry) *metrics {
	m := &metrics{
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "signal_delivery_latency_seconds", Help: "Latency.", Buckets: []float64{.01, .05, .1, .5, 1, 2, 5, 10},
		}, []string{"sender_id", "receiver_id", "signal_type"}),
		blocking: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "blocking_duration_seconds", Help: "Blocking.", Buckets: []float64{1, 5, 10, 30, 60, 120, 300, 600, 1800},
		}, []string{"swarm_id", "coordinator_id", "status"}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "signals_sent_total", Help: "Sent."},
			[]string{"swarm_id", "signal_type"}),
		timeouts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "timeout_events_total", Help: "Timeouts."},
			[]string{"coordinator_id", "timeout_type"}),
	}
	registry.MustRegister(m.latency, m.blocking, m.sent, m.timeouts)
	return m
}

// observeEntry counts the event of a flat entry, or the events of one of many, and returns their number.
func (m *metrics) observeEntry(entry map[string]any) int {
	text, isBatch := entry["events"].(string)
	if !isBatch {
		return m.observe(entry)
	}
	var events []fields
	if json.Unmarshal([]byte(text), &events) != nil {
		return 0
	}
	count := 0
	for _, event := range events {
		count += m.observe(event)
	}
	return count
}

// observe returns 1 if the event is valid.
func (m *metrics) observe(event fields) int {
	swarm, ok := name(event, "swarm_id")
	if !ok {
		return 0
	}
	switch event["type"] {
	case "signal.acked", "signal.sent":
		sender, okSender := name(event, "sender_id")
		receiver, okReceiver := name(event, "receiver_id")
		kind, okKind := name(event, "signal_type")
		if !okSender || !okReceiver || !okKind {
			return 0
		}
		if event["type"] == "signal.sent" {
			m.sent.WithLabelValues(swarm, kind).Inc()
			return 1
		}
		ms, okMs := number(event, "latency_ms")
		if !okMs {
			return 0
		}
		m.latency.WithLabelValues(sender, receiver, kind).Observe(ms / 1000)
		return 1
	}
	coordinator, ok := name(event, "coordinator_id")
	if !ok {
		return 0
	}
	switch event["type"] {
	case "wait.started":
		_, ok = name(event, "wait_id")
	case "coordinator.phase_changed":
		_, ok = name(event, "phase")
	case "wait.finished":
		var ms float64
		var status string
		if status, ok = name(event, "status"); !ok {
			return 0
		}
		if ms, ok = number(event, "duration_ms"); ok {
			m.blocking.WithLabelValues(swarm, coordinator, status).Observe(ms / 1000)
		}
	case "timeout":
		var kind string
		if kind, ok = name(event, "timeout_type"); ok {
			m.timeouts.WithLabelValues(coordinator, kind).Inc()
		}
	default:
		return 0
	}
	if !ok {
		return 0
	}
	return 1
}

var nameCharacters = func() (characters [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/@" {
		characters[c] = true
	}
	return characters
}()

func name(event fields, field string) (string, bool) {
	text, ok := event[field].(string)
	if !ok || len(text) == 0 || len(text) > 128 {
		return "", false
	}
	for i := 0; i < len(text); i++ {
		if !nameCharacters[text[i]] {
			return "", false
		}
	}
	return text, true
}

func number(event fields, field string) (float64, bool) {
	text, ok := event[field].(string)
	if !ok {
		return 0, false
	}
	value, err := strconv.ParseFloat(text, 64)
	return value, err == nil && value >= 0
}
