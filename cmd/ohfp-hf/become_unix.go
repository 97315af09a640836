//go:build unix

package main

import (
	"errors"
	"syscall"
)

// become turns this process into a program. It returns only when it cannot.
func become(path string, args, environ []string) (int, error) {
	err := syscall.Exec(path, append([]string{path}, args...), environ) //nolint:gosec // the operator's own program
	return 1, errors.New("the program " + path + " cannot be started: " + err.Error())
}
