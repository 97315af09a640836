// Package jsonfile is the store of the strategy "json": a directory of files that people can read, shared by any number
// of processes of one machine.
// It refuses to work on a network file system, where locks do not hold, on a directory that a newer version of the
// program has written, and to guess what a damaged file said.
//
// A request and the machines that it launched are one file; a return names the requests whose machines it ends. The
// directory of a file says what is left to do: open (not settled), held (settled, with machines that are there), done.
//
// A write has the store to itself, by a lock on a file. It puts new files aside, synced to disk, and then replaces
// store.json, which says what they are to replace: that one rename is the moment at which all of it has happened. Only
// then are they moved to their places; whoever finds that left undone, because a process was killed, does it. Readers
// take no lock: they read store.json, look at files that are not in their places yet where they are, and start again
// if store.json was replaced meanwhile.
package jsonfile

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/internal/localdisk"
)

// Options say which store to open.
type Options struct {
	Path string    // the directory; it is made when it does not exist, readable by its owner only
	Now  store.Now // stamps what expires

	// BusyTimeout is how long a write waits for other processes, 15 seconds when zero. A context may end it earlier.
	BusyTimeout time.Duration
}

const busyTimeout = 15 * time.Second

// Store is an open store. Its methods may be called by many goroutines at once. It keeps no file open between calls.
type Store struct {
	disk   disk
	now    store.Now
	busy   time.Duration
	fences []store.Lease // that must be held when it writes
	writer chan struct{} // held by the one goroutine of this process that writes: in here waiting is fair and without polling
}

var _ store.Store = (*Store)(nil)

// surroundings are what tests replace.
type surroundings struct {
	fileSystem func(path string) (string, error) // names the network file system that path is on
	step       func(what, name string) error     // called before each change of the disk, which an error prevents
	flush      func(f *os.File) error            // makes what was written outlive a power cut
}

// Open opens the store, and makes it where there is none.
func Open(ctx context.Context, o Options) (*Store, error) {
	return open(ctx, o, surroundings{
		fileSystem: localdisk.NetworkFileSystem,
		step:       func(string, string) error { return nil },
		flush:      (*os.File).Sync,
	})
}

func open(ctx context.Context, o Options, around surroundings) (*Store, error) {
	if o.Now == nil {
		return nil, fmt.Errorf("store %s has no clock", o.Path)
	}
	root, exists, err := place(o.Path, around.fileSystem)
	if err != nil {
		return nil, err
	}
	s := &Store{disk: disk{root, around}, now: o.Now, busy: o.BusyTimeout, writer: make(chan struct{}, 1)}
	if s.busy <= 0 {
		s.busy = busyTimeout
	}
	if exists {
		_, err = s.disk.head()
	} else {
		err = s.found(ctx)
	}
	if err != nil {
		return nil, s.fault(err)
	}
	return s, nil
}

// Close releases the store. It may be called twice.
func (s *Store) Close() error { return nil }

// Installation implements [store.Store].
func (s *Store) Installation(ctx context.Context, suggested ohfp.InstallationID) (ohfp.InstallationID, error) {
	if err := ctx.Err(); err != nil {
		return "", s.fault(err)
	}
	h, err := s.disk.head()
	switch {
	case err != nil:
		return "", s.fault(err)
	case h.Installation != "":
		return h.Installation, nil
	case suggested == "":
		return "", ohfp.Errorf(ohfp.ErrNotFound, "store %s has no installation id yet; the first request makes one", s.disk.root)
	}
	id := suggested
	err = s.write(ctx, func(tx *transaction) error {
		if tx.next.Installation != "" {
			id = tx.next.Installation
			return nil
		}
		tx.next.Installation, tx.changed = id, true
		return nil
	})
	return id, err
}
