package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// probeSize is what is written to see whether there is room: more than the slack of any file system.
const probeSize = 256 << 10

// Probe writes a file to a directory, as the store does, down to the disk, and removes it.
func Probe(dir string) error {
	f, err := os.CreateTemp(dir, ".ohfp-doctor-*")
	if err != nil {
		return err
	}
	_, err = f.Write(bytes.Repeat([]byte("ohfp"), probeSize/4))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// AskVersion runs a program with --version. It gets five seconds, which is a thousand times what it needs.
func AskVersion(ctx context.Context, program string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "--version").Output() // what the scripts would run, too
	if err != nil {
		return "", fmt.Errorf("run %s --version: %w", program, err)
	}
	return string(out), nil
}
