package wire

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// address is a place for a socket.
func address(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "w") //nolint:usetesting // its path would be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// listen makes a socket on which a daemon says what a test wants.
func listen(t *testing.T, serve func(net.Conn, *bufio.Reader)) Client {
	t.Helper()
	path := address(t)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			serve(connection, NewReader(connection))
			_ = connection.Close()
		}
	}()
	return Client{Socket: path, Now: time.Now}
}

func greet(connection net.Conn) { _ = WriteGreeting(connection, Greeting{Patience: 1}) }

func TestCall(t *testing.T) {
	t.Parallel()
	confirmed := make(chan error, 1)
	client := listen(t, func(connection net.Conn, from *bufio.Reader) {
		greet(connection)
		r, input, err := ReadRequest(from)
		if err != nil || r.Action != "x" {
			t.Errorf("%+v %v", r, err)
		}
		_ = WriteReply(connection, Reply{Exit: 1}, []byte("e"), input)
		confirmed <- ReadWritten(from)
	})
	for _, confirm := range []bool{true, false} {
		answer, err := client.Call(Request{Action: "x"}, []byte("{}"))
		if err != nil || answer.Exit != 1 || string(answer.Stderr) != "e" || string(answer.Body) != "{}" {
			t.Fatalf("%+v %v", answer, err)
		}
		if confirm {
			err = answer.Written()
		}
		if err := errors.Join(err, answer.Close()); err != nil {
			t.Error(err)
		}
		if got := <-confirmed; (got == nil) != confirm {
			t.Errorf("confirmed: %v, the daemon heard %v", confirm, got)
		}
	}
}

// TestCallsThatFail: it is told apart whether the daemon may have done something.
func TestCallsThatFail(t *testing.T) {
	t.Parallel()
	read := func(from *bufio.Reader) { _, _, _ = ReadRequest(from) }
	hang := func() { time.Sleep(4 * moment) }
	tests := map[string]struct {
		serve func(net.Conn, *bufio.Reader)
		lost  bool
		want  string
	}{
		"it accepts and hangs":     {func(net.Conn, *bufio.Reader) { hang() }, false, "timeout"},
		"it ends at once":          {func(net.Conn, *bufio.Reader) {}, false, "greeting"},
		"it speaks something else": {func(c net.Conn, _ *bufio.Reader) { _, _ = c.Write([]byte("SSH-2.0\n")) }, false, "greeting"},
		"it speaks version 1": {func(c net.Conn, r *bufio.Reader) {
			_, _ = c.Write([]byte(`{"version":1,"patience":60}` + "\n"))
			if heard, _ := io.ReadAll(r); len(heard) > 0 {
				panic("it was sent " + string(heard))
			}
		}, false, "not ohfp/2"},
		"it takes no call": {func(c net.Conn, _ *bufio.Reader) { _ = WriteGreeting(c, Greeting{Declined: "busy"}) }, false, "busy"},
		"it declines the call": {func(c net.Conn, r *bufio.Reader) {
			greet(c)
			read(r)
			_ = WriteReply(c, Reply{Declined: "other conf"}, nil, nil)
		}, false, "other conf"},
		"it dies with the call": {func(c net.Conn, r *bufio.Reader) { greet(c); read(r) }, true, "EOF"},
		"it dies with half an answer": {func(c net.Conn, r *bufio.Reader) {
			greet(c)
			read(r)
			_, _ = c.Write([]byte("ohfp/2 body=9\nx"))
		}, true, "EOF"},
		"it hangs with the call": {func(c net.Conn, r *bufio.Reader) { greet(c); read(r); time.Sleep(1200 * time.Millisecond) }, true, "timeout"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := listen(t, test.serve).Call(Request{Action: "x"}, []byte("{}"))
			if answer != nil || errors.Is(err, ErrLost) != test.lost || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%+v, %v", answer, err)
			}
		})
	}
	t.Run("it dies while the call is sent", func(t *testing.T) {
		t.Parallel()
		client := listen(t, func(c net.Conn, _ *bufio.Reader) { greet(c) })
		_, err := client.Call(Request{Action: "x"}, make([]byte, 32<<20))
		if err == nil || errors.Is(err, ErrLost) {
			t.Errorf("%v", err)
		}
	})
	t.Run("nobody is there", func(t *testing.T) {
		t.Parallel()
		_, err := Client{Socket: "/no/such/socket", Now: time.Now}.Call(Request{Action: "x"}, nil)
		if err == nil || errors.Is(err, ErrLost) {
			t.Errorf("%v", err)
		}
	})
}
