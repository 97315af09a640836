package jsonfile

import (
	"context"
	"math/rand/v2"
	"os"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Between two tries for the lock, which a write holds for a few milliseconds. Who has waited longer asks more often, so
// that those who come do not overtake those who wait.
const (
	firstPause    = 4 * time.Millisecond
	shortestPause = time.Millisecond
)

// lock waits for the store to be free of writers, takes it, and returns what gives it back. The system frees the lock of
// a process that is killed.
func (s *Store) lock(ctx context.Context) (release func(), err error) {
	patience := time.NewTimer(s.busy)
	defer patience.Stop()
	select {
	case s.writer <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-patience.C:
		return nil, s.stuck()
	}
	defer func() {
		if err != nil {
			<-s.writer
		}
	}()
	f, err := os.OpenFile(s.disk.path(lockFile), os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	for pause := firstPause; ; pause = max(pause*9/10, shortestPause) {
		if err = ctx.Err(); err != nil {
			break
		}
		var taken bool
		if taken, err = tryLock(f); taken {
			return func() {
				_ = unlock(f) // closing it does the same
				_ = f.Close()
				<-s.writer
			}, nil
		}
		if err != nil {
			break
		}
		// By chance, so that many who wait do not all come back at once.
		again := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // nobody gains by guessing it
		select {
		case <-again.C:
			continue
		case <-ctx.Done():
			err = ctx.Err()
		case <-patience.C:
			err = s.stuck()
		}
		again.Stop()
		break
	}
	_ = f.Close() // nothing was written
	return nil, err
}

func (s *Store) stuck() error {
	return ohfp.Errorf(ohfp.ErrUnavailable,
		"store %s stayed locked by another process for %s; find out which (a backup, a stopped ohfp) or try again", s.disk.root, s.busy)
}
