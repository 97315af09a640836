package fakehf_test

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// BenchmarkScriptsStart times commands that people type, started without a script, and /bin/true in turns with them: what
// the program adds to starting a process.
func BenchmarkScriptsStart(b *testing.B) {
	s, _ := filled(b, 10)
	path := program(b, delivered)
	environ := append(os.Environ(), "HF_PROVIDER_CONFDIR="+s.ConfDir, "HF_PROVIDER_WORKDIR="+s.WorkDir, "HF_PROVIDER_LOGDIR="+s.LogDir)
	run := func(b *testing.B, name string, args ...string) time.Duration {
		b.Helper()
		cmd := exec.CommandContext(b.Context(), name, args...)
		cmd.Env = environ
		began := time.Now()
		if out, err := cmd.Output(); err != nil {
			b.Fatalf("%s %q: %v: %s", name, args, err, out)
		}
		return time.Since(began)
	}
	for _, args := range [][]string{{"--version"}, {"templates", "list"}} {
		b.Run(args[len(args)-1], func(b *testing.B) {
			var took, least []time.Duration
			for b.Loop() {
				took = append(took, run(b, path, args...))
				least = append(least, run(b, "/bin/true"))
			}
			slices.Sort(took)
			slices.Sort(least)
			median, floor := took[len(took)/2], least[len(least)/2]
			b.ReportMetric(float64(median)/float64(floor), "x/true")
			b.ReportMetric(float64(median.Microseconds())/1000, "ms/call")
			b.ReportMetric(0, "ns/op") // the sum of both says nothing
		})
	}
}
