package cli

import (
	"fmt"
	"os"
	"path/filepath"
)

// outFile is a file that has the whole answer or does not change: it is written beside and renamed.
type outFile struct {
	path    string
	written []byte
}

// openOut finds out whether the file can be written, before anything is done whose answer would get lost.
func openOut(path string) (*outFile, error) {
	f := &outFile{path: path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, usageErrorf("--output %s is a directory; name a file", path)
	}
	probe, err := os.CreateTemp(filepath.Dir(path), ".ohfp-*")
	if err != nil {
		return nil, usageErrorf("--output %s cannot be written: %w", path, err)
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return f, nil
}

// Write puts data behind what was written before.
func (f *outFile) Write(data []byte) (n int, err error) {
	f.written = append(f.written, data...)
	temporary, err := os.CreateTemp(filepath.Dir(f.path), ".ohfp-*")
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", f.path, err)
	}
	defer func() {
		if err != nil {
			_ = temporary.Close()
			_ = os.Remove(temporary.Name())
		}
	}()
	const mode = 0o644 // as a shell's redirection makes it, before the umask of most
	if _, err = temporary.Write(f.written); err != nil {
		return 0, fmt.Errorf("write %s: %w", f.path, err)
	}
	if err = temporary.Chmod(mode); err != nil {
		return 0, fmt.Errorf("write %s: %w", f.path, err)
	}
	if err = temporary.Sync(); err != nil {
		return 0, fmt.Errorf("write %s: %w", f.path, err)
	}
	if err = temporary.Close(); err != nil {
		return 0, fmt.Errorf("write %s: %w", f.path, err)
	}
	if err = os.Rename(temporary.Name(), f.path); err != nil {
		return 0, fmt.Errorf("write %s: %w", f.path, err)
	}
	return len(data), nil
}
