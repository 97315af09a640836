package app

import (
	"io"
	"log/slog"
	"testing"
	"time"
)

// TestRenewedTakesOver: what programs share stays as it is until the renewed one takes over, which may still be refused.
func TestRenewedTakesOver(t *testing.T) {
	t.Parallel()
	a := opened(t, `logging: {level: WARNING}`)
	next := a.Config
	next.Logging.Level = slog.LevelDebug
	renewed, _, _, err := a.Renew(t.Context(), next, Options{Stderr: io.Discard, Now: time.Now, LookupEnv: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	if a.Log.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("the log goes by a configuration that nobody has taken")
	}
	renewed.TakeOver()
	if !a.Log.Enabled(t.Context(), slog.LevelDebug) || !renewed.Log.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("the log does not go by the configuration that was taken")
	}
	if err := renewed.Retire(); err != nil {
		t.Error(err)
	}
}

// TestTheStoreTellsItsRevision: answers are given again by it, so it must reach whoever gives them.
func TestTheStoreTellsItsRevision(t *testing.T) {
	t.Parallel()
	for _, settings := range []string{``, `storage: {strategy: json}`} {
		a := opened(t, settings)
		revision := func() int64 {
			n, ok, err := a.Revision(t.Context())
			if err != nil || !ok {
				t.Fatalf("%q: has a revision: %v, %v", settings, ok, err)
			}
			return n
		}
		before := revision()
		if err := a.Commands.Store.Remember(t.Context(), "note", []byte("1"), time.Hour); err != nil {
			t.Fatal(err)
		}
		if after := revision(); after == before {
			t.Errorf("%q: revision %d before a write and after", settings, after)
		}
	}
}
