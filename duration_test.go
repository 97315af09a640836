package ohfp_test

import (
	"errors"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
)

func TestFormatDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Second: "1m30s", 10 * time.Minute: "10m", 12 * time.Hour: "12h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s",
		720 * time.Hour: "30d", 24 * time.Hour: "24h", 36 * time.Hour: "36h", 60 * time.Hour: "2d12h", 48*time.Hour + time.Second: "2d1s", 1500 * time.Millisecond: "1.5s", 10 * time.Second: "10s",
		100 * time.Millisecond: "100ms", -60 * time.Hour: "-2d12h", -time.Second: "-1s", 20 * time.Minute: "20m", 20 * time.Hour: "20h",
	} {
		got := ohfp.FormatDuration(d)
		if got != want {
			t.Errorf("%s is written %s, want %s", d, got, want)
		}
		if back, err := ohfp.ParseDuration(got); err != nil || back != d {
			t.Errorf("%s is read as %s, %v; want %s", got, back, err, d)
		}
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"1d": 24 * time.Hour, "720h0m0s": 720 * time.Hour, "1.5h": 90 * time.Minute, "0d": 0} {
		if got, err := ohfp.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s is read as %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "soon", "1.5d", "-", "--1d", "1d-1h", "1d+1h", "1h1d", "1d1d", "10", "999999d", "106751d24h", "99999999999999999999d", "+1d"} {
		if got, err := ohfp.ParseDuration(text); !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("%q is read as %s, %v; want it refused", text, got, err)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"30d", "1d12h", "1h30m", "-90s", "1.5s", "720h0m0s", "d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ohfp.ParseDuration(text)
		if err != nil {
			return
		}
		if back, err := ohfp.ParseDuration(ohfp.FormatDuration(d)); err != nil || back != d {
			t.Errorf("%q is %d ns, written %s, read as %d ns, %v", text, d, ohfp.FormatDuration(d), back, err)
		}
	})
}
