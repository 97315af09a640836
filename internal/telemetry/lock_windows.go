//go:build windows

package telemetry

import (
	"os"
	"syscall"
	"unsafe"
)

const (
	lockfileExclusive = 2 // LOCKFILE_EXCLUSIVE_LOCK
	allBytes          = ^uint32(0)
)

// kernel is where Windows keeps its file locks.
func kernel(name string) *syscall.LazyProc { return syscall.NewLazyDLL("kernel32.dll").NewProc(name) }

// lockFile takes a lock on the whole file, alone or shared, and waits for it.
func lockFile(file *os.File, alone bool) error {
	var how uintptr
	if alone {
		how = lockfileExclusive
	}
	var where syscall.Overlapped
	ok, _, err := kernel("LockFileEx").Call(file.Fd(), how, 0, uintptr(allBytes), uintptr(allBytes), uintptr(unsafe.Pointer(&where)))
	if ok == 0 {
		return err
	}
	return nil
}

func unlockFile(file *os.File) error {
	var where syscall.Overlapped
	ok, _, err := kernel("UnlockFileEx").Call(file.Fd(), 0, uintptr(allBytes), uintptr(allBytes), uintptr(unsafe.Pointer(&where)))
	if ok == 0 {
		return err
	}
	return nil
}
