package ohfp_test

import (
	"testing"

	"github.com/openhostfactory/ohfp"
)

func TestCount(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"1 machine": ohfp.Count(1, "machine"), "0 machines": ohfp.Count(0, "machine"), "2 machines": ohfp.Count(2, "machine"),
		"-1 rounds": ohfp.Count(-1, "round"), "3 entries": ohfp.Count(3, "entry"), "2 days": ohfp.Count(2, "day"),
		"7 launches": ohfp.Count(7, "launch"), "10000 machines": ohfp.Count(10_000, "machine"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
