package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/transfer"
)

// Copied is what was copied from where to where.
type Copied struct {
	From string `json:"from"`
	To   string `json:"to"`
	transfer.Summary
	Kept    string `json:"kept,omitempty"` // where that is now which was in the place of the copy
	Message string `json:"message"`
}

// Migrate copies all that one store holds into another, and compares. The source stays as it is.
func (k Keeper) Migrate(ctx context.Context, from, to config.Storage, force bool) (done Copied, err error) {
	if same(from, to) {
		return done, ohfp.Errorf(ohfp.ErrInvalid, "store %s cannot be copied to itself; name two places", Describe(from))
	}
	if err := exists(from); err != nil {
		return done, err
	}
	release, err := k.Exclude(from, to)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, release()) }()
	err = k.with(ctx, from, func(source store.Store) error {
		if err := unserved(ctx, from, source); err != nil {
			return err
		}
		if err := transfer.CheckWhole(ctx, source); err != nil {
			return err
		}
		done, err = k.load(ctx, to, transfer.Of(source), force)
		return err
	})
	done.From = Describe(from)
	done.Message = "the copy was compared and is the same; set the storage settings to " + done.To + " to use it"
	return done, err
}

// exists refuses a store in files that is not there, which opening would make.
func exists(s config.Storage) error {
	if s.File() == "" {
		return nil
	}
	if _, err := os.Stat(s.File()); err != nil {
		return ohfp.Errorf(ohfp.ErrNotFound, "store %s is not there: %w", Describe(s), err)
	}
	return nil
}

// load puts records into a store.
func (k Keeper) load(ctx context.Context, to config.Storage, records transfer.Records, force bool) (Copied, error) {
	done := Copied{To: Describe(to)}
	var full error
	err := k.with(ctx, to, func(target store.Store) error {
		if err := unserved(ctx, to, target); err != nil {
			return err
		}
		full = transfer.CheckEmpty(ctx, target)
		if full != nil && !errors.Is(full, ohfp.ErrConflict) {
			return full
		}
		return nil
	})
	switch {
	case err != nil:
		return done, err
	case full != nil && !force:
		return done, fmt.Errorf("%w (or pass --force, which puts what is there aside)", full)
	case full != nil:
		if done.Kept, err = k.putAside(to); err != nil {
			return done, err
		}
	}
	err = k.with(ctx, to, func(target store.Store) error {
		done.Summary, err = transfer.Load(ctx, target, records)
		return err
	})
	return done, err
}

// putAside renames a store in files, so that nothing is lost.
func (k Keeper) putAside(s config.Storage) (string, error) {
	path := s.File()
	if path == "" {
		return "", ohfp.Errorf(ohfp.ErrConflict, "store %s cannot be put aside by this program; name an empty schema or another table prefix", Describe(s))
	}
	aside := path + ".before-" + k.Now().UTC().Format("20060102T150405.000Z")
	for _, end := range []string{"-wal", "-shm", ""} { // the database itself last: without it nothing is a store
		err := os.Rename(path+end, aside+end)
		if err != nil && (end == "" || !errors.Is(err, os.ErrNotExist)) {
			return "", ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be put aside: %w", Describe(s), err)
		}
	}
	if s.Strategy == config.StrategyJSON {
		if err := keepBackups(aside, path); err != nil {
			return "", ohfp.Errorf(ohfp.ErrUnavailable, "backups cannot be moved from %s back to %s: %w", aside, path, err)
		}
	}
	return aside, nil
}

// keepBackups leaves the backups where they were. One of them may be what is being restored.
func keepBackups(aside, path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	err := os.Rename(filepath.Join(aside, backupDir), filepath.Join(path, backupDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Backup writes all that the store holds into a file, also while it is in use.
func (k Keeper) Backup(ctx context.Context, path string, force bool) (done Copied, err error) {
	if _, err := os.Lstat(path); err == nil && !force {
		return done, ohfp.Errorf(ohfp.ErrConflict, "%s exists; name another file, or pass --force to replace it", path)
	}
	err = k.with(ctx, k.Storage, func(s store.Store) error {
		if err := transfer.CheckWhole(ctx, s); err != nil {
			return err
		}
		done.Summary, err = k.archive(ctx, s, path)
		return err
	})
	done.From, done.To = Describe(k.Storage), path
	done.Message = "the backup is written and synced"
	return done, err
}

// attempts is how often a store that is in use is read again before its backup is given up.
const attempts = 5

func (k Keeper) archive(ctx context.Context, s store.Store, path string) (transfer.Summary, error) {
	for n := 1; ; n++ {
		h, err := transfer.Archive(ctx, path, transfer.Of(s), transfer.Header{MadeAt: k.Now(), MadeOf: Describe(k.Storage)})
		if err == nil || n == attempts || !errors.Is(err, transfer.ErrChanged) || ctx.Err() != nil {
			return h.Summary, err
		}
	}
}

// Restore puts a backup into the store. The backup is read to its end and compared with its digest before anything is written.
func (k Keeper) Restore(ctx context.Context, path string, force bool) (done Copied, err error) {
	header, records, err := transfer.OpenArchive(path)
	if err != nil {
		return done, err
	}
	release, err := k.Exclude(k.Storage)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, release()) }()
	done, err = k.load(ctx, k.Storage, records, force)
	done.From = path
	done.Message = "the backup of " + header.MadeAt.Format("2006-01-02 15:04:05Z07:00") + " is restored, compared, and the same"
	return done, err
}
