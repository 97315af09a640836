// Package hostfactory carries the files that make this program a provider plug-in of IBM Spectrum Symphony Host Factory:
// the five scripts, and sample configuration that an administrator starts from.
// It refuses to fill the samples in; who installs them knows the cluster.
package hostfactory

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

//go:embed scripts/*.sh scripts/*.bat conf/*.json userdata/*.sh
var files embed.FS

// Scripts holds the scripts, for POSIX shells and for Windows.
func Scripts() (fs.FS, error) { return sub("scripts") }

// Samples holds awsprov_config.json and awsprov_templates.json, which belong into a provider instance's conf directory,
// and hostProviderPlugins.json and hostProviders.json, whose entries belong into the files of the same names.
func Samples() (fs.FS, error) { return sub("conf") }

// UserData is a script for machines' user data that makes them join an EGO cluster. Its parameters are at its head.
func UserData() ([]byte, error) {
	data, err := files.ReadFile("userdata/join_ego.sh")
	if err != nil {
		return nil, fmt.Errorf("embedded files: %w", err)
	}
	return data, nil
}

func sub(dir string) (fs.FS, error) {
	tree, err := fs.Sub(files, dir)
	if err != nil {
		return nil, fmt.Errorf("embedded files: %w", err)
	}
	return tree, nil
}

// WriteScripts writes the scripts into dir, which it makes, readable and executable for everybody: Host Factory runs them
// under the cluster administrator's account.
func WriteScripts(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as the comment above says
		return fmt.Errorf("scripts: %w", err)
	}
	entries, err := files.ReadDir("scripts")
	if err != nil {
		return fmt.Errorf("scripts: %w", err)
	}
	for _, entry := range entries {
		data, err := files.ReadFile(path.Join("scripts", entry.Name()))
		if err != nil {
			return fmt.Errorf("scripts: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, entry.Name()), data, 0o755); err != nil { //nolint:gosec // as above
			return fmt.Errorf("scripts: %w", err)
		}
	}
	return nil
}
