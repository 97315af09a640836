package setup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Modes of what is written. Configuration may name credentials; scripts are run under the cluster administrator's account.
const (
	confMode   fs.FileMode = 0o640
	scriptMode fs.FileMode = 0o755
	dirMode    fs.FileMode = 0o755
)

// Change is a file as it is to be.
type Change struct {
	Path   string
	Old    []byte // nil: it is not there
	New    []byte
	Mode   fs.FileMode // of a new file; one that is there keeps its own
	Backup string      // where the old content is kept, once it is written
}

// Same says whether there is nothing to do.
func (c Change) Same() bool { return c.Old != nil && bytes.Equal(c.Old, c.New) }

// Changes are files that are written together.
type Changes []Change

// Add plans a file. What is there is read now and must not change until it is written.
func (c *Changes) Add(path string, content []byte, mode fs.FileMode) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read what is there: %w", err)
	}
	if err == nil && old == nil {
		old = []byte{}
	}
	*c = append(*c, Change{Path: path, Old: old, New: content, Mode: mode})
	return nil
}

// journal is what undoing takes: the bytes of before, and what must still be there of after.
type journal struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	Files   []undone  `json:"files"`
	Dirs    []string  `json:"dirs,omitempty"` // that were made, the outermost first
}

type undone struct {
	Path   string      `json:"path"`
	Was    *[]byte     `json:"was,omitempty"` // nil: it was not there
	Mode   fs.FileMode `json:"mode,omitempty"`
	Is     string      `json:"is"` // SHA-256 of what was written
	Backup string      `json:"backup,omitempty"`
}

// Write writes all that differs: each file whole or not at all, with a copy of what was there beside it. When one cannot
// be written, those before it are put back. The journal is written first, so that Undo works whatever happens after.
func (c Changes) Write(journalPath string, now time.Time) (Changes, error) {
	var todo Changes
	for _, change := range c {
		if !change.Same() {
			todo = append(todo, change)
		}
	}
	if len(todo) == 0 {
		return nil, nil
	}
	j := journal{Version: 1, At: now.UTC()}
	for i := range todo {
		change := &todo[i]
		current, err := os.ReadFile(change.Path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil != (change.Old != nil) || !bytes.Equal(current, change.Old) {
			return nil, ohfp.Errorf(ohfp.ErrConflict, "%s was changed meanwhile; run it again", change.Path)
		}
		entry := undone{Path: change.Path, Is: digest(change.New)}
		if change.Old != nil {
			info, err := os.Stat(change.Path)
			if err != nil {
				return nil, err
			}
			change.Mode = info.Mode().Perm()
			change.Backup = fmt.Sprintf("%s.%s.bak", change.Path, now.UTC().Format("20060102T150405.000Z"))
			entry.Was, entry.Mode, entry.Backup = &change.Old, change.Mode, change.Backup
		}
		j.Files = append(j.Files, entry)
	}
	// The journal of an earlier run becomes part of this one's.
	earlier, err := os.ReadFile(journalPath)
	switch {
	case err == nil:
		j.Files = append(j.Files, undone{Path: journalPath, Was: &earlier, Mode: confMode})
	case errors.Is(err, fs.ErrNotExist):
		j.Files = append(j.Files, undone{Path: journalPath})
	default:
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	if j.Dirs, err = makeDirs(append([]string{journalPath}, paths(todo)...)); err != nil {
		return nil, err
	}
	content, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := replace(journalPath, content, confMode); err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	for _, change := range todo {
		if err := change.write(); err != nil {
			_, problem := Undo(journalPath, true)
			return nil, errors.Join(err, problem)
		}
	}
	return todo, nil
}

func (c Change) write() error {
	if c.Backup != "" {
		if err := replace(c.Backup, c.Old, c.Mode); err != nil {
			return fmt.Errorf("keep what is there: %w", err)
		}
	}
	return replace(c.Path, c.New, c.Mode)
}

// Undo puts back byte for byte what the last Write found, and removes what it made. A file that somebody has changed
// since is an error, and nothing is touched, unless force is set.
func Undo(journalPath string, force bool) (paths []string, err error) {
	content, err := os.ReadFile(journalPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ohfp.Errorf(ohfp.ErrNotFound, "%s is not there: nothing was written that could be undone; name the same directories as then", journalPath)
	}
	if err != nil {
		return nil, err
	}
	var j journal
	if err := json.Unmarshal(content, &j); err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s is damaged: %w; put the copies ending in .bak back by hand", journalPath, err)
	}
	for _, f := range j.Files {
		if current, err := os.ReadFile(f.Path); !force && f.Is != "" && err == nil && digest(current) != f.Is {
			return nil, ohfp.Errorf(ohfp.ErrConflict, "%s was changed since; put it right by hand, or use --force, which loses that change", f.Path)
		}
	}
	for _, f := range j.Files {
		if f.Was != nil {
			err = replace(f.Path, *f.Was, f.Mode)
		} else if err = os.Remove(f.Path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil {
			return paths, fmt.Errorf("put back %s: %w", f.Path, err)
		}
		if f.Path != journalPath {
			paths = append(paths, f.Path)
		}
		if f.Backup != "" {
			if err := os.Remove(f.Backup); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return paths, err
			}
		}
	}
	for _, dir := range slices.Backward(j.Dirs) {
		_ = os.Remove(dir) // one that holds something else stays
	}
	return paths, nil
}

func paths(changes Changes) []string {
	list := make([]string, len(changes))
	for i, c := range changes {
		list[i] = c.Path
	}
	return list
}

// makeDirs makes the directories of files, and tells which were not there.
func makeDirs(files []string) (made []string, err error) {
	for _, file := range files {
		var missing []string
		for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
				break
			}
			missing = append(missing, dir)
		}
		if err := os.MkdirAll(filepath.Dir(file), dirMode); err != nil {
			return made, err
		}
		slices.Reverse(missing)
		made = append(made, missing...)
	}
	return made, nil
}

// replace writes a file whole or not at all.
func replace(path string, content []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".ohfp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone when all went well
	_, err = f.Write(content)
	if err == nil {
		err = errors.Join(f.Chmod(mode), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
