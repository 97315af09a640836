package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const mit = `MIT License

Copyright (c) 2026 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`

func TestLicencesAreKnownByTheirText(t *testing.T) {
	check, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	gpl := "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n"
	for name, c := range map[string]struct {
		file, text string
		want       string // part of the refusal; empty: allowed
	}{
		"allowed":  {"LICENSE", mit, ""},
		"unknown":  {"LICENSE.txt", "Do as I say.", "no known licence"},
		"none":     {"README", mit, "no licence file"},
		"notice":   {"NOTICE", mit, "no licence file"},
		"code":     {"license.go", mit, "no licence file"},
		"by hand":  {"LICENSE-LOGO", "a picture", "no licence file"},
		"heading":  {"COPYING", gpl, "known licence"},
		"spelling": {"LICENCE.md", mit, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			m := module{Name: "example.org/m", Version: "v1.0.0"}
			if err := m.collect(dir); err != nil {
				t.Fatal(err)
			}
			err := check.module(&m)
			switch {
			case c.want == "" && (err != nil || !slices.Equal(m.Names, []string{"MIT"})):
				t.Errorf("%v, %v", m.Names, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestRefusedLicence(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "LICENSE"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m := module{Name: "example.org/m", Files: []string{filepath.Join(dir, "LICENSE")}}
	err := checker{names: func([]byte) []string { return []string{"AGPL-3.0"} }}.module(&m)
	if err == nil || !strings.Contains(err.Error(), "AGPL-3.0 is not allowed") {
		t.Error(err)
	}
}

func TestTheSameTextIsThereOnce(t *testing.T) {
	dir := t.TempDir()
	var modules []module
	for _, name := range []string{"a", "b"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(mit), 0o600); err != nil {
			t.Fatal(err)
		}
		modules = append(modules, module{Name: "example.org/" + name, Version: "v1", Files: []string{file}})
	}
	text, err := texts(modules)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "MIT License"); n != 1 || !strings.Contains(string(text), "example.org/a v1\nexample.org/b v1\n") {
		t.Errorf("%d times:\n%s", n, text)
	}
}
