//go:build linux || darwin

package daemon

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

func TestNotifier(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	w := newWorld(t)
	w.daemon.Notify = Notifier(func(name string) (string, bool) { return path, name == "NOTIFY_SOCKET" })
	w.serve()
	w.stopped()
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		if err := manager.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		data := make([]byte, 100)
		n, err := manager.Read(data)
		if err != nil || string(data[:n]) != want {
			t.Errorf("%q, %v; want %s", data[:n], err, want)
		}
	}
	if Notifier(func(string) (string, bool) { return "", false }) != nil {
		t.Error("there is a notifier without anybody to notify")
	}
}
