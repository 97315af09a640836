package telemetry

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log", "ohfp.log")
	var console, fallback bytes.Buffer
	log, closer, err := Open(Options{Level: slog.LevelWarn, File: path, MaxSizeMB: 1, MaxRotate: 1, Console: &console, Fallback: &fallback})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("too quiet")
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log directory is made before there is anything to log: %v", err)
	}
	log.Warn("a line\nbroken", "password", "hunter2", slog.Group("aws", "sessionToken", "abc", "region", "eu"))
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	log.Warn("after the end")
	text := read(t, path)
	for _, want := range []string{"level=WARN", `msg="a line\nbroken"`, "pid=", "password=***", "aws.sessionToken=***", "aws.region=eu"} {
		if !strings.Contains(text, want) {
			t.Errorf("log = %s, want %s in it", text, want)
		}
	}
	if strings.Count(text, "\n") != 1 {
		t.Errorf("log = %s, want one line", text)
	}
	if got := console.String(); !strings.HasPrefix(got, text) || !strings.Contains(got, "after the end") {
		t.Errorf("console = %s, want what the file has", got)
	}
	if fallback.Len() > 0 {
		t.Errorf("fallback = %s, want nothing", fallback.String())
	}
}

func TestOpenWithoutFile(t *testing.T) {
	t.Parallel()
	log, closer, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if log.Enabled(t.Context(), slog.LevelError) {
		t.Error("a log that goes nowhere is enabled")
	}
	if err := closer.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Options{
		"log file size is -1 MiB; use 0 (never rotated) or more": {MaxSizeMB: -1},
		"number of old log files is -2; use 0 or more":           {MaxRotate: -2},
	} {
		if _, _, err := Open(o); !errors.Is(err, ohfp.ErrInvalid) || err.Error() != want {
			t.Errorf("Open = %v, want %s", err, want)
		}
	}
}

func TestFallback(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inTheWay := filepath.Join(dir, "log")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var fallback bytes.Buffer
	log, closer, err := Open(Options{File: filepath.Join(inTheWay, "ohfp.log"), Fallback: &fallback})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("one")
	log.Info("two")
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	log.Info("three")
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(fallback.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "cannot be written") || !strings.Contains(lines[1], "one") || !strings.Contains(lines[2], "two") {
		t.Errorf("fallback = %q, want one warning, one and two", lines)
	}
	if got := read(t, filepath.Join(inTheWay, "ohfp.log")); !strings.Contains(got, "three") || strings.Contains(got, "one") {
		t.Errorf("log = %s, want three only", got)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	tests := []struct {
		groups []string
		attr   slog.Attr
		want   string
	}{
		{nil, slog.String("request", "req-1"), "req-1"},
		{nil, slog.String("AWS_SECRET_ACCESS_KEY", "x"), "***"},
		{nil, slog.String("user_data", "#!/bin/sh"), "***"},
		{nil, slog.String("userDataScript", "x"), "***"},
		{nil, slog.String("Authorization", "Bearer x"), "***"},
		{nil, slog.Any("tokens", []string{"x"}), "***"},
		{nil, slog.String("client-token", ""), ""},
		{[]string{"a", "credentials"}, slog.String("id", "x"), "***"},
		{[]string{"a"}, slog.Duration("took", time.Second), "1s"},
		{nil, slog.String("at", "http://127.0.0.1:8000/a"), "http://127.0.0.1:8000/a"},
		{nil, slog.String("at", "postgresql://me:p@ss/w:rd@db:5432/x y@z"), "postgresql://me:***@db:5432/x y@z"},
		{nil, slog.Any("error", errors.New("dial `postgres://me:pw@db/x`: user=me Password='p w' host=db")), "dial `postgres://me:***@db/x`: user=me Password=*** host=db"},
		{nil, slog.String("at", "postgresql://db/x?user=me&password=pw&sslmode=require"), "postgresql://db/x?user=me&password=***&sslmode=require"},
	}
	for _, tt := range tests {
		if got := Mask(tt.groups, tt.attr).Value.String(); got != tt.want {
			t.Errorf("Mask(%v, %v) = %s, want %s", tt.groups, tt.attr.Key, got, tt.want)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
