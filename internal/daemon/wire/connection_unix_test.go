//go:build unix

package wire

import (
	"bufio"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestConnectIsBounded: a daemon that hangs lets callers wait in line, and they do not.
func TestConnectIsBounded(t *testing.T) {
	t.Parallel()
	path := address(t)
	listener, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(listener) })
	if err := errors.Join(syscall.Bind(listener, &syscall.SockaddrUnix{Name: path}), syscall.Listen(listener, 0)); err != nil {
		t.Fatal(err)
	}
	for range 3 { // the line is full by then
		_, err := Client{Socket: path, Now: time.Now}.Call(Request{Action: "x"}, nil)
		var late net.Error
		refused := errors.Is(err, syscall.ECONNREFUSED) // as macOS has it
		if err == nil || errors.Is(err, ErrLost) || !refused && (!errors.As(err, &late) || !late.Timeout()) {
			t.Errorf("%v", err)
		}
	}
}

// TestDripping: what comes now and then prolongs nothing.
func TestDripping(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	client := listen(t, func(c net.Conn, _ *bufio.Reader) {
		defer close(ended)
		for {
			if _, err := c.Write([]byte("o")); err != nil {
				return // the caller has left
			}
			time.Sleep(moment / 10)
		}
	})
	_, err := client.Call(Request{Action: "x"}, nil)
	if err == nil || errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("%v", err)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the caller has not closed the connection")
	}
}

// TestSignals: a signal that comes while a call waits ends nothing. The system ends operations with a bound at each.
func TestSignals(t *testing.T) {
	t.Parallel()
	client := listen(t, func(c net.Conn, from *bufio.Reader) {
		greet(c)
		r, input, err := ReadRequest(from)
		if err != nil {
			t.Error(err)
		}
		for range 20 { // the runtime handles it and does nothing about it
			if err := syscall.Kill(os.Getpid(), syscall.SIGURG); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
		}
		_ = WriteReply(c, Reply{}, []byte(r.Action), input)
	})
	client.Now = func() time.Time { return time.Unix(0, 0) } // a busy machine is no matter here
	answer, err := client.Call(Request{Action: "x"}, []byte("{}"))
	if err != nil || string(answer.Body) != "{}" {
		t.Fatalf("%+v %v", answer, err)
	}
	if err := answer.Close(); err != nil {
		t.Error(err)
	}
}

// TestLargeBothWays: what does not fit into the system's buffers is sent and read in parts.
func TestLargeBothWays(t *testing.T) {
	t.Parallel()
	client := listen(t, func(c net.Conn, from *bufio.Reader) {
		_ = WriteGreeting(c, Greeting{Patience: 60})
		_, input, err := ReadRequest(from)
		if err != nil {
			t.Error(err)
		}
		_ = WriteReply(c, Reply{}, nil, input)
	})
	client.Now = func() time.Time { return time.Unix(0, 0) }
	want := strings.Repeat("0123456789", 800<<10)
	answer, err := client.Call(Request{Action: "x"}, []byte(want))
	if err != nil || string(answer.Body) != want {
		t.Fatal(err)
	}
	if err := answer.Close(); err != nil {
		t.Error(err)
	}
}
