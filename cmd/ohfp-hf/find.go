package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/openhostfactory/ohfp/internal/config/directories"
)

// find finds ohfp: what OHFP_COMMAND names, as the scripts understand it, else the one beside this program, else the one
// in PATH. OHFP_COMMAND may name this program itself, by whatever path; that is not what to become.
func find(env directories.Environment, self string) (string, error) {
	name := "ohfp"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if command := env["OHFP_COMMAND"]; command != "" && !same(inPath(env, command), self) {
		if path := inPath(env, command); path != "" {
			return path, nil
		}
		return "", errors.New("the program " + command + " was not found; OHFP_COMMAND names it")
	}
	for _, path := range []string{filepath.Join(filepath.Dir(self), name), inPath(env, name)} {
		if runs(path) && !same(path, self) {
			return path, nil
		}
	}
	return "", errors.New("the program ohfp was not found; install it beside ohfp-hf or in PATH, or name it in OHFP_COMMAND")
}

// inPath is what a shell would start under a name. Package os/exec, which knows too, would make every start slower.
func inPath(env directories.Environment, name string) string {
	if strings.ContainsAny(name, `/\`) {
		if runs(name) {
			return name
		}
		return ""
	}
	for _, dir := range filepath.SplitList(env["PATH"]) {
		if path := filepath.Join(dir, name); runs(path) {
			return path
		}
	}
	return ""
}

func runs(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && (info.Mode()&0o111 != 0 || runtime.GOOS == "windows")
}

func same(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
