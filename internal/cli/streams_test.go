package cli_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/internal/cli"
)

// TestStreamsAreBounded follows all changes with as many streams as api.max_streams_per_caller allows, and with one more.
func TestStreamsAreBounded(t *testing.T) {
	mcpSite(t)
	t.Setenv("OHFP_API_MAX_STREAMS_PER_CALLER", "2")
	socket := filepath.Join(t.TempDir(), "rest.sock")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Main(ctx, []string{"serve", "--socket-path", socket}, http.NoBody, io.Discard, io.Discard)
	}()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	follow := func() (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/api/v1/events/stream", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return client.Do(r)
	}
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusTooManyRequests} {
		answer, err := follow()
		for begun := time.Now(); err != nil && i == 0 && time.Since(begun) < time.Minute; answer, err = follow() {
			time.Sleep(20 * time.Millisecond) // until it listens
		}
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("stream %d is answered with %s, want %d", i+1, answer.Status, want)
		}
	}
}
