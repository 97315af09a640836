package sqlstore

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// TestLastWords: what a server says before it hangs up is read, also when the next to happen is a write.
func TestLastWords(t *testing.T) {
	t.Parallel()
	for network, address := range map[string]string{"unix": filepath.Join(t.TempDir(), "s"), "tcp": "127.0.0.1:0"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			listener, err := new(net.ListenConfig).Listen(t.Context(), network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			conn, err := hearing(new(net.Dialer).DialContext)(t.Context(), network, listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			server, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			const why = "silent for too long"
			if _, err := io.WriteString(server, why); err != nil {
				t.Fatal(err)
			}
			if err := server.Close(); err != nil {
				t.Fatal(err)
			}
			writeUntilRefused(t, conn)
			said := make([]byte, len(why))
			if _, err := io.ReadFull(conn, said); err != nil || string(said) != why {
				t.Fatalf("read %q, %v", said, err)
			}
			if n, err := conn.Read(said); err == nil {
				t.Errorf("read %d bytes more, want the end", n)
			}
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte("x")); err == nil {
				t.Error("a write after closing it here passes for done")
			}
		})
	}
}

// writeUntilRefused writes until the socket itself refuses, which over TCP it does when the answer to the first has come.
func writeUntilRefused(t *testing.T, conn net.Conn) {
	t.Helper()
	bare, ok := conn.(lastWords)
	if !ok {
		t.Fatalf("connection is a %T", conn)
	}
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	for ctx.Err() == nil {
		if _, err := bare.Conn.Write([]byte("x")); err == nil {
			continue
		}
		if n, err := conn.Write([]byte("xyz")); err != nil || n != 3 {
			t.Fatalf("wrote %d bytes, %v", n, err)
		}
		return
	}
	t.Fatal("the socket takes all that is written to it")
}
