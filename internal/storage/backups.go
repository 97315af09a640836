package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/transfer"
)

// Backups keeps some backups of a store in a directory, the newest of them. All fields are required.
type Backups struct {
	Store   store.Store
	Storage config.Storage
	Keep    int
	Now     func() time.Time
}

// BackupDir is where the backups of a store in files are.
func BackupDir(s config.Storage) string { return filepath.Join(s.JSON.Path, backupDir) }

const backupDir = "backups"

const backupEnd = ".jsonl"

// Make makes a backup unless there is one of today, and removes the oldest of those that are too many. A store that holds
// nothing yet needs none.
func (b Backups) Make(ctx context.Context) error {
	dir := BackupDir(b.Storage)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory for backups: %w", err)
	}
	today := b.Now().UTC().Format("2006-01-02")
	have, err := b.list(dir)
	if err != nil || slices.ContainsFunc(have, func(name string) bool { return strings.HasPrefix(name, today) }) {
		return err
	}
	some, err := b.Store.Requests(ctx, store.RequestFilter{Limit: 1})
	if err != nil || len(some) == 0 {
		return err
	}
	k := Keeper{Storage: b.Storage, Now: b.Now}
	if err := transfer.CheckWhole(ctx, b.Store); err != nil {
		return err
	}
	name := today + backupEnd
	if _, err := k.archive(ctx, b.Store, filepath.Join(dir, name)); err != nil {
		return err
	}
	have = append(have, name)
	var problems []error
	for _, old := range have[:max(len(have)-b.Keep, 0)] {
		problems = append(problems, os.Remove(filepath.Join(dir, old)))
	}
	return errors.Join(problems...)
}

// list names the backups, the oldest first.
func (b Backups) list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var names []string
	for _, e := range entries {
		day, ok := strings.CutSuffix(e.Name(), backupEnd)
		if _, err := time.Parse("2006-01-02", day); ok && err == nil {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}
