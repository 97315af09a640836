// Package address says where the daemon of a work directory listens. Daemon and callers share it.
// It refuses to open anything but the one small file in which a daemon says that it listens elsewhere.
package address

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// The files of a daemon in its work directory.
const (
	Socket = "daemon.sock"    // where it listens
	Record = "daemon.address" // names the socket where the path of the usual one is too long
	Lock   = "daemon.lock"    // is locked by the daemon that runs, and holds its process id
)

// Longest is how many bytes the path of a socket may have: sun_path without its last zero.
func Longest() int {
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		return 107
	}
	return 103
}

// Fits says whether the path of a socket is short enough for the system.
func Fits(path string) bool { return len(path) <= Longest() }

// Of returns the socket of the daemon of a work directory. That it returns one does not mean that a daemon is there.
func Of(work string) (string, error) {
	usual := filepath.Join(work, Socket)
	if Fits(usual) {
		return usual, nil
	}
	content, err := os.ReadFile(filepath.Join(work, Record))
	if err != nil {
		return "", errors.New("read where the daemon listens: " + err.Error()) // fmt would make every start of a script slower
	}
	path := strings.TrimSuffix(string(content), "\n")
	if !filepath.IsAbs(path) || !Fits(path) {
		return "", errors.New("the file " + filepath.Join(work, Record) + " does not name a socket")
	}
	return path, nil
}
