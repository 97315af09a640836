package mcpserver

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp/internal/access"
)

// quiet is a store in which nothing happens.
type quiet struct{ Queries }

func (quiet) NewestEvent(context.Context) (int64, error) { return 0, nil }

// TestSubscriptionsAreBounded: what callers name is kept as long as their session lasts, so there is an end to it.
func TestSubscriptionsAreBounded(t *testing.T) {
	t.Parallel()
	f := &Face{Queries: quiet{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	server := mcp.NewServer(&mcp.Implementation{Name: "t"}, nil)
	w := &watcher{visit: visit{Face: f, Caller: access.Caller{Role: access.Viewer}}, server: server, uris: map[string]int{}, running: true}
	subscribe := func(id string) error {
		return w.subscribe(t.Context(), &mcp.SubscribeRequest{Params: &mcp.SubscribeParams{URI: "requests://" + id}})
	}
	if err := subscribe(strings.Repeat("x", longestURI)); err == nil || len(w.uris) != 0 {
		t.Errorf("an endless name: %v", err)
	}
	for i := range mostURIs {
		if err := subscribe(strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := subscribe("more"); err == nil || len(w.uris) != mostURIs {
		t.Errorf("%d resources: %v", len(w.uris), err)
	}
	if err := subscribe("1"); err != nil {
		t.Errorf("one of them again: %v", err)
	}
}
