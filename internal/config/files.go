package config

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

func (l *loader) readFiles() error {
	if l.config.Named != "" {
		return l.readFile(l.config.Named)
	}
	if !exists(l.config.ConfDir) && len(l.sources.Instead) == 0 {
		l.note("the configuration directory " + l.config.ConfDir + " does not exist")
		return nil
	}
	for _, names := range [][]string{directories.MainFiles(), directories.ProviderFiles()} {
		if path := l.pick(names); path != "" {
			if err := l.readFile(path); err != nil {
				return err
			}
		}
	}
	path := l.pick(directories.IBMFiles(l.config.Instance))
	if path == "" {
		return nil
	}
	if l.config.Providers != nil {
		l.note(path + " is not read, since " + l.config.Origin("providers") + " configures providers")
		return nil
	}
	return l.readFile(path)
}

// pick returns the first file of the configuration directory that exists, and remarks the others.
func (l *loader) pick(names []string) string {
	picked := ""
	for _, name := range names {
		path := filepath.Join(l.config.ConfDir, name)
		switch {
		case !l.exists(path):
		case picked == "":
			picked = path
		default:
			l.note(path + " is not read, since " + picked + " is there")
		}
	}
	return picked
}

func (l *loader) readFile(path string) error {
	root, err := l.parse(path)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if root, err = l.expand(path, root); err != nil {
		return err
	}
	l.config.Files = append(l.config.Files, path)
	f := file{loader: l, path: path}
	switch {
	case root.Null():
		return nil
	case root.Kind != document.Object:
		return f.fail(root.Line, "the configuration is %s; write an object of settings", root.Kind)
	}
	if first, second, ok := root.Repeated(); ok {
		return f.fail(second.Line, "%s is there twice, first on line %d; keep one", second.Key, first.Line)
	}
	if isIBM(root) {
		return f.applyIBM(root)
	}
	return f.apply(root, "")
}

// parse reads a file, or takes what would be in it.
func (l *loader) parse(path string) (document.Node, error) {
	if text, ok := l.sources.Instead[path]; ok {
		return document.Parse(path, text)
	}
	return document.Read(path)
}

// exists says whether a file is there, or would be.
func (l *loader) exists(path string) bool {
	_, instead := l.sources.Instead[path]
	return instead || exists(path)
}

// expand replaces $VARIABLE and ${VARIABLE} in all text of a file; $$ is a dollar sign.
func (l *loader) expand(path string, root document.Node) (document.Node, error) {
	if !bytes.ContainsRune(root.JSON(), '$') {
		return root, nil
	}
	return root.MapStrings(func(n document.Node) (string, error) {
		text, err := expand(n.Text(), l.env)
		if err != nil {
			return "", ohfp.Errorf(ohfp.ErrInvalid, "%s:%d: %w", path, n.Line, err)
		}
		return text, nil
	})
}

// file is a configuration file that is being read.
type file struct {
	*loader
	path string
}

func (f file) at(line int) string { return fmt.Sprintf("%s:%d", f.path, line) }

func (f file) fail(line int, format string, args ...any) error {
	return ohfp.Errorf(ohfp.ErrInvalid, f.at(line)+": "+format, args...)
}

// apply takes over the settings of an object; section is what its names start with.
func (f file) apply(object document.Node, section string) error {
	for _, field := range object.Fields {
		name := section + field.Key
		key, isKey := f.key(name)
		var err error
		switch {
		case name == "providers" || name == "provider.providers":
			err = f.applyProviders(field)
		case name == "events.sinks":
			err = f.applySinks(field)
		case name == "provider_defaults" || name == "provider.provider_defaults":
			err = f.applyProviderDefaults(field)
		case isKey && key.set != nil:
			err = f.applyKey(key, field)
		case foreign(name) != "":
			err = f.fail(field.Line, "%s is not a setting here; %s", name, foreign(name))
		case f.isSection(name) && field.Value.Kind == document.Object:
			err = f.apply(field.Value, name+".")
		case f.isSection(name) && field.Value.Null():
		case f.isSection(name):
			err = f.fail(field.Line, "%s is %s; write an object of settings", name, field.Value.Kind)
		default:
			err = f.fail(field.Line, "%s is not a setting%s", name, f.suggestion(name, section))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f file) isSection(name string) bool {
	if name == "events" || hasForeign(name) {
		return true
	}
	for _, key := range f.keys {
		if key.set == nil {
			continue
		}
		for _, known := range append([]string{key.Name}, key.Aliases...) {
			if strings.HasPrefix(known, name+".") {
				return true
			}
		}
	}
	return false
}

// claim makes sure that a setting stands in one file only.
func (f file) claim(name string, line int) error {
	if origin, ok := f.config.Origins[name]; ok {
		return f.fail(line, "%s is set in %s too; keep one", name, origin)
	}
	f.config.Origins[name] = f.at(line)
	return nil
}

// applyKey takes over one setting. null leaves the default.
func (f file) applyKey(key Key, field document.Field) error {
	if field.Value.Null() {
		return nil
	}
	if err := f.claim(key.Name, field.Line); err != nil {
		return err
	}
	values, ok := scalars(field.Value)
	if !ok || (field.Value.Kind == document.List && key.Kind != KindList) {
		return f.fail(field.Line, "%s is %s; write %s", key.Name, field.Value.Kind, key.Expected)
	}
	return f.set(key, f.at(field.Line), filepath.Dir(f.path), values...)
}

// scalars are the values of a setting: one, or the items of a list.
func scalars(value document.Node) ([]string, bool) {
	switch value.Kind {
	case document.Scalar:
		return []string{value.Text()}, true
	case document.List:
		values := []string{}
		for _, item := range value.Items {
			if item.Kind != document.Scalar {
				return nil, false
			}
			values = append(values, item.Text())
		}
		return values, true
	default:
		return nil, false
	}
}
