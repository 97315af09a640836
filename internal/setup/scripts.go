package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/openhostfactory/ohfp/deploy/hostfactory"
	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/provider"
)

// pluginName is the plug-in's name in Host Factory's files and directories.
const pluginName = "ohfp"

// PluginDir is the plug-in's directory below HF_TOP. Without a version it is the one of the newest Host Factory.
func PluginDir(top, version string) string {
	if version == "" {
		version = "1.2" // of Symphony 7.3.2; 7.3.1 has 1.1
	}
	return filepath.Join(top, version, "providerplugins", pluginName)
}

// executable are the rights to run a file.
const executable = 0o111

// scripts looks at the files that Host Factory starts. Where there is no Host Factory there is nothing to look at.
func (d Doctor) scripts(ctx context.Context, env directories.Environment) []provider.Finding {
	const name = "scripts"
	dir := d.Scripts
	if dir == "" && env["HF_TOP"] != "" {
		dir = filepath.Join(PluginDir(env["HF_TOP"], env["HF_VERSION"]), "scripts")
	}
	if dir == "" {
		return []provider.Finding{fine(name, "", "not looked at: neither HF_TOP nor --scripts-dir says where they are")}
	}
	const fix = "write them with ohfp init --hostfactory $HF_TOP, or ohfp init --scripts-dir"
	tree, err := hostfactory.Scripts()
	if err != nil {
		return []provider.Finding{failure(name, dir, err.Error(), "report it")}
	}
	suffix := ".sh"
	if runtime.GOOS == "windows" {
		suffix = ".bat"
	}
	var found []provider.Finding
	count := 0
	walk := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		count++
		ours, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, path)
		theirs, err := os.ReadFile(file)
		if err != nil {
			found = append(found, failure(name, file, "it cannot be read: "+reason(err), fix))
			return nil
		}
		info, err := os.Stat(file)
		switch {
		case err == nil && info.Mode().Perm()&executable == 0 && suffix == ".sh":
			found = append(found, failure(name, file, "it cannot be executed", "chmod +x "+file))
		case !bytes.Equal(ours, theirs):
			found = append(found, warning(name, file, "it is not the script of this version", fix))
		}
		return nil
	}
	if err := fs.WalkDir(tree, ".", walk); err != nil {
		return append(found, failure(name, dir, err.Error(), "report it"))
	}
	if len(found) == 0 {
		found = append(found, fine(name, dir, fmt.Sprintf("all %d are there and of this version", count)))
	}
	return append(found, d.program(ctx, env, dir))
}

// program looks at what the scripts become: what OHFP_COMMAND names, else ohfp in bin beside them, else the one in PATH.
func (d Doctor) program(ctx context.Context, env directories.Environment, dir string) provider.Finding {
	const name = "program"
	path := env["OHFP_COMMAND"]
	if path == "" {
		path = filepath.Join(filepath.Dir(filepath.Clean(dir)), "bin", "ohfp")
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			path = "ohfp"
		}
	}
	told, err := d.Ask(ctx, path)
	switch {
	case err != nil:
		return failure(name, path, "the scripts cannot start it: "+err.Error(), "install ohfp in bin beside the scripts directory or in PATH, or name it in OHFP_COMMAND in profile.hf")
	case strings.TrimSpace(told) != d.Version:
		return warning(name, path, "the scripts start "+strings.TrimSpace(told)+", this is "+d.Version, "install the same program for both")
	}
	return fine(name, path, "the scripts start "+d.Version)
}
