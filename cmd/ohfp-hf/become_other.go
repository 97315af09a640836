//go:build !unix

package main

import (
	"errors"
	"os"
	"os/exec"
)

// become runs a program in the place of this one, which the system cannot replace, and returns its exit code.
func become(path string, args, environ []string) (int, error) {
	command := exec.Command(path, args...)
	command.Env, command.Stdin, command.Stdout, command.Stderr = environ, os.Stdin, os.Stdout, os.Stderr
	err := command.Run()
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) {
		return command.ProcessState.ExitCode(), nil
	}
	return 1, errors.New("the program " + path + " cannot be started: " + err.Error())
}
