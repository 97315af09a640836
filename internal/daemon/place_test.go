//go:build linux || darwin

package daemon

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/daemon/address"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

func TestOnlyOneDaemon(t *testing.T) {
	t.Parallel()
	store, work := filepath.Join(shortDir(t), "x", "ohfp.db"), shortDir(t)
	cfg := config.Config{WorkDir: work, Storage: config.Storage{SQL: config.SQL{Path: store}}}
	first, err := Claim(cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := cfg
	elsewhere.WorkDir = shortDir(t)
	for name, second := range map[string]config.Config{
		work:                {WorkDir: work},
		filepath.Dir(store): elsewhere, // another work directory, the same store
	} {
		_, err := Claim(second, "")
		if !errors.Is(err, ohfp.ErrConflict) || !strings.Contains(err.Error(), "a daemon serves "+name+" already, as process "+strconv.Itoa(os.Getpid())+";") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := Claim(elsewhere, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Release(); err != nil {
		t.Error(err)
	}
}

// TestOneDaemonPerStore: work directories of their own may share a database on a server, and nothing else.
func TestOneDaemonPerStore(t *testing.T) {
	t.Parallel()
	store := filepath.Join(shortDir(t), "data")
	for name, c := range map[string]struct {
		storage config.Storage
		shared  bool
	}{
		"SQLite":     {config.Storage{Strategy: config.StrategySQL, SQL: config.SQL{Type: config.SQLite, Path: store}}, false},
		"JSON":       {config.Storage{Strategy: config.StrategyJSON, SQL: config.SQL{Path: store + "-unused"}, JSON: config.JSON{Path: store + ".d"}}, false},
		"PostgreSQL": {config.Storage{Strategy: config.StrategySQL, SQL: config.SQL{Type: config.PostgreSQL, Path: store}}, true},
	} {
		first, err := Claim(config.Config{WorkDir: shortDir(t), Storage: c.storage}, "")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		second, err := Claim(config.Config{WorkDir: shortDir(t), Storage: c.storage}, "")
		if c.shared != (err == nil) || err != nil && !errors.Is(err, ohfp.ErrConflict) {
			t.Errorf("%s: a second daemon: %v", name, err)
		}
		if err == nil {
			err = second.Release()
		} else {
			err = nil
		}
		if err := errors.Join(err, first.Release()); err != nil {
			t.Error(err)
		}
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(w.config.WorkDir, address.Socket)
	if err := os.MkdirAll(w.config.WorkDir, 0o700); err != nil {
		t.Fatal(err)
	}
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false) // as a killed daemon leaves it
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(w.tb.Context(), w.config, time.Now); !errors.Is(err, ohfp.ErrUnavailable) {
		t.Errorf("check of a socket without a daemon: %v", err)
	}
	w.serve()
	w.ask(hostfactory.GetAvailableTemplates, "{}")
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	w.stopped()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	if _, err := Check(w.tb.Context(), w.config, time.Now); !errors.Is(err, ohfp.ErrUnavailable) || !strings.Contains(err.Error(), "ohfp serve") {
		t.Errorf("check without a daemon: %v", err)
	}
}

func TestSomethingElseInTheSocketsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(w.config.WorkDir, address.Socket)
	if err := errors.Join(os.MkdirAll(w.config.WorkDir, 0o700), os.WriteFile(path, []byte("mine"), 0o600)); err != nil {
		t.Fatal(err)
	}
	place, err := Claim(w.config, "")
	if err != nil {
		t.Fatal(err)
	}
	defer place.Release() //nolint:errcheck // only for the lock
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.daemon.Run(ctx, place); !errors.Is(err, ohfp.ErrConflict) || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("%v", err)
	}
	if content, err := os.ReadFile(path); string(content) != "mine" {
		t.Errorf("%q, %v", content, err)
	}
}

// TestLongWorkDirectory: where the path of the socket would be too long, it is elsewhere, and found.
func TestLongWorkDirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.WorkDir = filepath.Join(w.config.WorkDir, strings.Repeat("long/", 30))
	w.config.Daemon.Groups = []string{"4711"}
	w.daemon = w.process()
	w.serve()
	w.ask(hostfactory.GetAvailableTemplates, "{}")
	socket, err := address.Of(w.config.WorkDir)
	if err != nil || strings.HasPrefix(socket, w.config.WorkDir) {
		t.Fatalf("%s, %v", socket, err)
	}
	// With groups, others must be able to reach it; who they are is asked then.
	for path, want := range map[string]fs.FileMode{socket: fs.ModeSocket | 0o666, filepath.Dir(socket): fs.ModeDir | 0o711} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	w.stopped()
	if _, err := os.Stat(filepath.Dir(socket)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
	if _, err := address.Of(w.config.WorkDir); err == nil {
		t.Error("the record is left")
	}
}
