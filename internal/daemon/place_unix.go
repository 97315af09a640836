//go:build linux || darwin

package daemon

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/daemon/address"
)

// Place is what only one daemon has at a time: the right to serve a work directory and the store in it.
type Place struct {
	Socket string // where it listens, once it does

	work    string
	runtime string // where short paths are made
	locks   []*os.File
}

// Claim takes the place of a configuration, or says who has it. It must be released. The runtime directory is where the
// socket goes when its path in the work directory is too long; empty: the system's directory for temporary files.
func Claim(cfg config.Config, runtime string) (*Place, error) {
	if err := os.MkdirAll(cfg.WorkDir, 0o700); err != nil {
		return nil, ohfp.Errorf(ohfp.ErrUnavailable, "work directory cannot be made: %w", err)
	}
	p := &Place{work: cfg.WorkDir, runtime: runtime}
	locks := []string{filepath.Join(cfg.WorkDir, address.Lock)}
	if path := singleHost(cfg.Storage); path != "" && filepath.Dir(path) != cfg.WorkDir {
		// Another work directory may use the same store.
		locks = append(locks, path+"."+address.Lock)
	}
	for _, path := range locks {
		lock, err := claim(path)
		if err != nil {
			return nil, errors.Join(err, p.Release())
		}
		p.locks = append(p.locks, lock)
	}
	return p, nil
}

// Exclude keeps daemons away from stores in files until it is released, or says which one serves one of them. Daemons that share
// a store are told by its leases.
func Exclude(stores ...config.Storage) (*Place, error) {
	p := &Place{}
	taken := map[string]bool{}
	for _, s := range stores {
		path := singleHost(s)
		if path == "" {
			continue
		}
		// The first is that of a daemon whose work directory holds the store.
		for _, lock := range []string{filepath.Join(filepath.Dir(path), address.Lock), path + "." + address.Lock} {
			if taken[lock] {
				continue
			}
			taken[lock] = true
			file, err := claim(lock)
			if err != nil {
				return nil, errors.Join(err, p.Release())
			}
			p.locks = append(p.locks, file)
		}
	}
	return p, nil
}

// singleHost is the path of a store that only one daemon may follow; empty: several share it.
func singleHost(s config.Storage) string {
	switch {
	case s.Shared():
		return ""
	case s.Strategy == config.StrategyJSON:
		return s.JSON.Path
	default:
		return s.SQL.Path
	}
}

// claim locks a file and writes our process id into it. The lock ends with the process, however that ends.
func claim(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, ohfp.Errorf(ohfp.ErrUnavailable, "directory of the lock file cannot be made: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrUnavailable, "lock file cannot be opened: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		owner, _ := os.ReadFile(path) // without its id it is still there
		return nil, errors.Join(ohfp.Errorf(ohfp.ErrConflict, "a daemon serves %s already, as process %s; stop it first, or see ohfp serve --check",
			filepath.Dir(path), strings.TrimSpace(string(owner))), file.Close())
	}
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = file.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	}
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrUnavailable, "lock file %s cannot be taken: %w", path, errors.Join(err, file.Close()))
	}
	return file, nil
}

// Release gives the place to others. The lock files stay: one that is removed could be locked twice. They are unlocked before
// they are closed, because a process that is being started here holds what is open until it becomes its program.
func (p *Place) Release() error {
	var problems []error
	for _, lock := range p.locks {
		problems = append(problems, syscall.Flock(int(lock.Fd()), syscall.LOCK_UN), lock.Close())
	}
	p.locks = nil
	return errors.Join(problems...)
}

// listen makes the socket. Whatever is in its place belongs to a daemon that has gone, since the place is ours.
func (p *Place) listen(shared bool) (*net.UnixListener, error) {
	if err := p.clear(); err != nil {
		return nil, err
	}
	path := filepath.Join(p.work, address.Socket)
	if !address.Fits(path) {
		var err error
		if path, err = p.elsewhere(shared); err != nil {
			return nil, err
		}
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrUnavailable, "daemon cannot listen on %s: %w", path, err)
	}
	// Connecting needs the right to write. Who may call is decided by who the peer is; without groups the system
	// refuses strangers before that.
	mode := fs.FileMode(0o600)
	if shared {
		mode = 0o666
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, ohfp.Errorf(ohfp.ErrUnavailable, "daemon cannot protect its socket: %w", errors.Join(err, listener.Close()))
	}
	p.Socket = path
	return listener, nil
}

// clear removes what a daemon has left that could not clear up.
func (p *Place) clear() error {
	usual, record := filepath.Join(p.work, address.Socket), filepath.Join(p.work, address.Record)
	old := []string{usual}
	if !address.Fits(usual) {
		old = nil
		if path, err := address.Of(p.work); err == nil {
			old = append(old, path)
		}
	}
	for _, path := range old {
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return ohfp.Errorf(ohfp.ErrUnavailable, "old socket cannot be looked at: %w", err)
		case info.Mode().Type() != fs.ModeSocket:
			return ohfp.Errorf(ohfp.ErrConflict, "%s is no socket but in the place of the daemon's; move it away", path)
		default:
			if err := os.Remove(path); err != nil {
				return ohfp.Errorf(ohfp.ErrUnavailable, "old socket cannot be removed: %w", err)
			}
		}
		if path != usual {
			_ = os.Remove(filepath.Dir(path)) // only when it is empty, that is ours
		}
	}
	if err := os.Remove(record); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ohfp.Errorf(ohfp.ErrUnavailable, "old record of the socket cannot be removed: %w", err)
	}
	return nil
}

// elsewhere makes a directory whose path is short, and records it where callers look.
func (p *Place) elsewhere(shared bool) (string, error) {
	dir, err := os.MkdirTemp(p.runtime, "ohfp-")
	if err != nil {
		return "", ohfp.Errorf(ohfp.ErrUnavailable, "directory for the socket cannot be made: %w", err)
	}
	path := filepath.Join(dir, address.Socket)
	if !address.Fits(path) {
		return "", errors.Join(ohfp.Errorf(ohfp.ErrInvalid, "the socket's path %s is longer than %d bytes, as is the one in the work directory; shorten the work directory's, or TMPDIR",
			path, address.Longest()), os.Remove(dir))
	}
	if shared {
		if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // callers of other users pass through it
			return "", ohfp.Errorf(ohfp.ErrUnavailable, "directory for the socket cannot be opened to others: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(p.work, address.Record), []byte(path+"\n"), 0o644); err != nil { //nolint:gosec // callers of other users read it
		return "", errors.Join(ohfp.Errorf(ohfp.ErrUnavailable, "where the daemon listens cannot be recorded: %w", err), os.Remove(dir))
	}
	return path, nil
}

// leave ends the listening and clears up. Calls that were accepted go on.
func (p *Place) leave(listener *net.UnixListener) error {
	err := listener.Close() // removes the socket
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return errors.Join(err, p.clear())
}
