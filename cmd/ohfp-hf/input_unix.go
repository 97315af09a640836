//go:build unix

package main

import (
	"io"
	"os"
	"syscall"
)

// descriptor is an open file. Package os would set up its poller for it first, which one file is not worth.
type descriptor int

func open(file string) (descriptor, error) {
	for {
		fd, err := syscall.Open(file, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != syscall.EINTR {
			if err != nil {
				return 0, &os.PathError{Op: "open", Path: file, Err: err}
			}
			return descriptor(fd), nil
		}
	}
}

func (d descriptor) Read(into []byte) (int, error) {
	for {
		n, err := syscall.Read(int(d), into)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(into) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (d descriptor) Close() error { return syscall.Close(int(d)) }
