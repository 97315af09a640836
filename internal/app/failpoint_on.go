//go:build failpoints

package app

import (
	"os"
	"strings"
	"syscall"
)

// step kills the process at the step that OHFP_FAILPOINT names, as a power cut would: nothing is flushed or deferred.
// "name" kills at the first time the step is reached; OHFP_FAILPOINT_MARK names a file whose existence means that the
// kill has happened, so that only one of several processes dies.
func step(lookup func(string) (string, bool)) func(string) {
	name, ok := lookup("OHFP_FAILPOINT")
	if !ok || name == "" {
		return nil
	}
	mark, _ := lookup("OHFP_FAILPOINT_MARK")
	return func(reached string) {
		if reached != strings.TrimSpace(name) {
			return
		}
		if mark != "" {
			f, err := os.OpenFile(mark, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return
			}
			_ = f.Close()
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
