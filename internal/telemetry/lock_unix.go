//go:build unix

package telemetry

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes a lock on the whole file, alone or shared, and waits for it.
func lockFile(file *os.File, alone bool) error {
	how := syscall.LOCK_SH
	if alone {
		how = syscall.LOCK_EX
	}
	for {
		// A signal, as the runtime sends them to its own threads, ends the wait early.
		if err := syscall.Flock(int(file.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func unlockFile(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }
