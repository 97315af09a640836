package fakehf

import (
	"io/fs"
	"path/filepath"
)

// Sources looks through the directories of the program's sources. The go command remembers which directories a test opened, and
// so does not take the result of a test that builds the program from its cache once a source has changed.
func Sources(top string) error {
	return filepath.WalkDir(top, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch entry.Name() {
			case ".git", ".cache", "bin", "docs", "tools":
				return fs.SkipDir
			}
		}
		return nil
	})
}
