package cli

import (
	"net"
	"strings"
	"testing"
)

// TestPlace: a place is told as it was configured, with the port that it got.
func TestPlace(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := strings.TrimPrefix(listener.Addr().String(), "127.0.0.1:")
	for host, want := range map[string]string{"0.0.0.0": "0.0.0.0:", "::": "[::]:", "localhost": "localhost:", "": "127.0.0.1:"} {
		if got := place(host, listener); got != want+port {
			t.Errorf("configured as %q: %s, want %s%s", host, got, want, port)
		}
	}
}
