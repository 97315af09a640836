package storetest

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// AsSomebody runs do as a user who owns nothing, also when the tests run as root, to whom every file is open.
func AsSomebody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Only this thread changes its user. It is never unlocked and so ends with the goroutine.
		runtime.LockOSThread()
		for range 2 { // the second call tells whether the first one worked
			if was, err := unix.SetfsuidRetUid(65534); err != nil {
				t.Error(err)
			} else if was == 65534 {
				do()
			}
		}
	}()
	<-done
}
