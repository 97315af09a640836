// Command licenses checks under what terms everything is that goes into the programs, and writes these terms into one
// file, as most of them ask of whoever gives copies away.
// It refuses a dependency without a licence file, and one under a licence that is not in its list.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licenseclassifier/v2/assets"
)

func main() {
	out := flag.String("output", "", "write the texts of all licences to this file; without it, only check")
	list := flag.Bool("list", false, "print each module with its licences")
	dir := flag.String("dir", ".", "the module whose programs are looked at")
	flag.Parse()
	if err := run(context.Background(), *dir, flag.Args(), *out, *list); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

// module is one thing that is linked, with its files.
type module struct {
	Name    string
	Version string
	Files   []string // of licences and notices
	Names   []string // of the licences found in them
}

func run(ctx context.Context, dir string, packages []string, out string, list bool) error {
	modules, err := linked(ctx, dir, packages)
	if err != nil {
		return err
	}
	check, err := newChecker()
	if err != nil {
		return err
	}
	var problems []error
	for i := range modules {
		if err := check.module(&modules[i]); err != nil {
			problems = append(problems, err)
		}
		if list {
			fmt.Printf("%-60s %-24s %s\n", modules[i].Name, modules[i].Version, strings.Join(modules[i].Names, ", "))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	if out == "" {
		fmt.Printf("%d modules, all under licences that are allowed\n", len(modules))
		return nil
	}
	text, err := texts(modules)
	if err != nil {
		return err
	}
	return os.WriteFile(out, text, 0o644)
}

// linked finds the modules of the packages that the programs link, and Go itself, with the licence files that lie above
// these packages: a module may hold parts of others.
func linked(ctx context.Context, dir string, packages []string) ([]module, error) {
	found := map[string]*module{}
	for _, system := range []string{"linux", "darwin", "windows"} { // programs for all of them are given away
		if err := linkedOn(ctx, system, dir, packages, found); err != nil {
			return nil, err
		}
	}
	golang, err := standard(ctx)
	if err != nil {
		return nil, err
	}
	modules := []module{golang}
	for _, m := range found {
		slices.Sort(m.Files)
		m.Files = slices.Compact(m.Files)
		modules = append(modules, *m)
	}
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.Name, b.Name) })
	return modules, nil
}

func linkedOn(ctx context.Context, system, dir string, packages []string, found map[string]*module) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-deps", "-json=Dir,Standard,Module"}, packages...)...)
	cmd.Dir, cmd.Stderr, cmd.Env = dir, os.Stderr, append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	listing, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list for %s: %w", system, err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(listing)); ; {
		var p struct {
			Dir      string
			Standard bool
			Module   *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("go list for %s: %w", system, err)
		}
		if p.Standard || p.Module == nil {
			continue
		}
		if p.Module.Main {
			if err := embedded(found, p.Dir); err != nil {
				return err
			}
			continue
		}
		m := found[p.Module.Path]
		if m == nil {
			m = &module{Name: p.Module.Path, Version: p.Module.Version}
			found[p.Module.Path] = m
		}
		for at := p.Dir; ; at = filepath.Dir(at) {
			if err := m.collect(at); err != nil {
				return err
			}
			if at == p.Module.Dir || len(at) <= len(p.Module.Dir) {
				break
			}
		}
	}
}

// embedded finds what others wrote and a package of this module carries along: directories below it with a licence.
func embedded(found map[string]*module, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*", "LICENSE*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file)) + ", part of ohfp"
		if found[name] == nil {
			found[name] = &module{Name: name}
		}
		found[name].Files = append(found[name].Files, file)
	}
	return nil
}

// standard is Go itself, whose library is in every program.
func standard(ctx context.Context) (module, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOVERSION").Output()
	root, version, ok := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || !ok {
		return module{}, fmt.Errorf("go env: %w", err)
	}
	m := module{Name: "Go", Version: version}
	return m, m.collect(root)
}

var (
	licence = regexp.MustCompile(`(?i)^(un)?(licen[sc]e|copying)([-._].*)?$`)
	notice  = regexp.MustCompile(`(?i)^(notice|patents)([-._].*)?$`)
	code    = regexp.MustCompile(`(?i)\.(go|s|c|h|py|sh)$`)
)

// collect adds the licence files and notices of a directory.
func (m *module) collect(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if entry.Type().IsRegular() && !code.MatchString(name) && (licence.MatchString(name) || notice.MatchString(name)) {
			m.Files = append(m.Files, filepath.Join(dir, name))
		}
	}
	return nil
}

// texts joins all files. The same text is there once, below the names of all that it is for.
func texts(modules []module) ([]byte, error) {
	type text struct {
		of      []string
		content string
	}
	var all []*text
	byContent := map[string]*text{}
	for _, m := range modules {
		for _, file := range m.Files {
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			content := strings.TrimSpace(strings.ReplaceAll(string(data), "\r\n", "\n"))
			if content == "" {
				continue
			}
			t := byContent[content]
			if t == nil {
				t = &text{content: content}
				byContent[content], all = t, append(all, t)
			}
			if name := m.Name + " " + m.Version; !slices.Contains(t.of, name) {
				t.of = append(t.of, name)
			}
		}
	}
	var out bytes.Buffer
	out.WriteString("ohfp contains the following, under the terms below them.\n")
	for _, t := range all {
		fmt.Fprintf(&out, "\n%s\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(t.of, "\n"), strings.Repeat("=", 80), t.content)
	}
	return out.Bytes(), nil
}

// readByPeople are files that have the name of a licence and that no classifier knows.
func readByPeople() map[string]string {
	return map[string]string{
		"LICENSE-SQLITE": "Public-Domain",
		"LICENSE-LOGO":   "", // of a picture that is not linked
	}
}

// checker knows licences by their text.
type checker struct {
	names func(text []byte) []string
}

// allowed are licences that let ohfp be given away under Apache 2.0, with nothing asked but to pass the texts on. Sources of
// MPL files that are linked unchanged are where go.sum says.
func allowed() []string {
	return []string{"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Attribution", "0BSD", "ISC", "MPL-2.0", "Unlicense", "CC0-1.0", "Unicode-DFS-2016"}
}

func newChecker() (checker, error) {
	classifier, err := assets.DefaultClassifier()
	if err != nil {
		return checker{}, fmt.Errorf("texts of licences: %w", err)
	}
	return checker{names: func(text []byte) []string {
		var names []string
		for _, match := range classifier.Match(text).Matches {
			if match.MatchType == "License" && !slices.Contains(names, match.Name) {
				names = append(names, match.Name)
			}
		}
		return names
	}}, nil
}

// module names the licences of a module and says what is wrong with them.
func (c checker) module(m *module) error {
	licensed := false
	for _, file := range m.Files {
		if !licence.MatchString(filepath.Base(file)) {
			continue
		}
		if name, known := readByPeople()[filepath.Base(file)]; known {
			if name != "" {
				m.Names = append(m.Names, name)
			}
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		names := c.names(data)
		if len(names) == 0 {
			return fmt.Errorf("%s %s: the text of %s is that of no known licence", m.Name, m.Version, file)
		}
		licensed = true
		for _, name := range names {
			if !slices.Contains(m.Names, name) {
				m.Names = append(m.Names, name)
			}
			if !slices.Contains(allowed(), name) {
				return fmt.Errorf("%s %s: licence %s is not allowed; see %s", m.Name, m.Version, name, file)
			}
		}
	}
	if !licensed {
		return fmt.Errorf("%s %s: it has no licence file", m.Name, m.Version)
	}
	return nil
}
