package providertest

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// Result is how a case went that nobody fails for.
type Result struct {
	Failed  bool
	Skipped bool
	Lines   []string // what the case had to say
}

// Try runs the case without failing or skipping tb.
func (c Case) Try(tb testing.TB, h Harness) Result {
	tb.Helper()
	t := &trial{TB: tb}
	t.protect(func() { c.Run(t, h) })
	for len(t.cleanups) > 0 {
		last := t.cleanups[len(t.cleanups)-1]
		t.cleanups = t.cleanups[:len(t.cleanups)-1]
		t.protect(last)
	}
	return t.result
}

// trial is a test that writes down how a case went.
type trial struct {
	testing.TB

	mutex    sync.Mutex
	result   Result
	cleanups []func()
}

// protect lets do end itself, as tests do, without ending the test around it.
func (t *trial) protect(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	<-done
}

func (t *trial) note(failed, skipped bool, line string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.result.Failed = t.result.Failed || failed
	t.result.Skipped = t.result.Skipped || skipped
	t.result.Lines = append(t.result.Lines, line)
}

func (t *trial) Helper() {}

func (t *trial) Attr(string, string) {}

func (t *trial) Failed() bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.result.Failed
}

func (t *trial) Cleanup(do func()) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.cleanups = append(t.cleanups, do)
}

func (t *trial) Log(args ...any)                   { t.note(false, false, fmt.Sprint(args...)) }
func (t *trial) Logf(format string, args ...any)   { t.note(false, false, fmt.Sprintf(format, args...)) }
func (t *trial) Error(args ...any)                 { t.note(true, false, fmt.Sprint(args...)) }
func (t *trial) Errorf(format string, args ...any) { t.note(true, false, fmt.Sprintf(format, args...)) }

func (t *trial) Fatal(args ...any) {
	t.note(true, false, fmt.Sprint(args...))
	runtime.Goexit()
}

func (t *trial) Fatalf(format string, args ...any) {
	t.note(true, false, fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (t *trial) Skipf(format string, args ...any) {
	t.note(false, true, fmt.Sprintf(format, args...))
	runtime.Goexit()
}
