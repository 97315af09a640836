package config

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestEverySettingHasAnEffect: every setting fills a field that the program reads outside this package, and that a test
// outside of it names, by its key, its variable or its field. A setting that is only parsed fails here.
func TestEverySettingHasAnEffect(t *testing.T) {
	t.Parallel()
	used := readUses(t)
	for _, name := range fieldsOfSettings(t) {
		if len(name.field) == 0 {
			t.Errorf("%s fills no field", name.key.Name)
			continue
		}
		leaf := name.field[len(name.field)-1]
		if !used.production[leaf] {
			t.Errorf("%s fills %s, which nothing reads", name.key.Name, strings.Join(name.field, "."))
		}
		if !used.observed(name.key, leaf) && !shownElsewhere[name.key.Name] {
			t.Errorf("no test outside this package sets %s to see its effect", name.key.Name)
		}
	}
}

// shownElsewhere are settings whose effect only the tests of another package can see, which have no configuration.
var shownElsewhere = map[string]bool{
	"storage.sql.max_connections": true, // a bound inside database/sql, which the tests of store/sqlstore set
}

// observed says whether a test names a setting.
func (u uses) observed(key Key, field string) bool {
	own := key.Name[strings.LastIndexByte(key.Name, '.')+1:]
	words := append([]string{key.Name, "\"" + own + "\":", own + ": "}, key.Env...)
	return u.tests[field] || slices.ContainsFunc(words, func(word string) bool {
		return slices.ContainsFunc(u.texts, func(text string) bool { return strings.Contains(text, word) })
	})
}

type filled struct {
	key   Key
	field []string
}

// fieldsOfSettings finds the field that each setting fills by setting it.
func fieldsOfSettings(t *testing.T) []filled {
	t.Helper()
	var list []filled
	probe := func(prefix string, whole any, keys []Key) {
		for _, key := range keys {
			if key.set == nil {
				continue
			}
			before := reflect.ValueOf(whole).Elem()
			saved := reflect.New(before.Type()).Elem()
			saved.Set(before)
			for _, value := range append([]string{"true", "7", "7h", "ERROR", "x"}, key.Words...) {
				key.set(input{values: []string{value}, base: "/"})
				if field := difference(saved, before); field != nil {
					key.Name = prefix + key.Name
					list = append(list, filled{key, field})
					break
				}
			}
			before.Set(saved)
		}
	}
	var c Config
	probe("", &c, settings(&c))
	var p Provider
	probe("providers[].", &p, providerSettings(&p))
	var s Sink
	probe("events.sinks[].", &s, sinkSettings(&s))
	return list
}

func difference(a, b reflect.Value) []string {
	for i := range a.NumField() {
		x, y := a.Field(i), b.Field(i)
		if reflect.DeepEqual(x.Interface(), y.Interface()) {
			continue
		}
		name := a.Type().Field(i).Name
		if x.Kind() == reflect.Struct {
			return append([]string{name}, difference(x, y)...)
		}
		return []string{name}
	}
	return nil
}

// uses are the fields and texts of all packages but this one.
type uses struct {
	production map[string]bool // names behind a dot, in packages that import this one, and in what this one itself reads
	tests      map[string]bool // the same of tests, and keys of their literals
	texts      []string        // of tests and scripts
}

func readUses(t *testing.T) uses {
	t.Helper()
	found := uses{production: map[string]bool{}, tests: map[string]bool{}}
	root := filepath.Join("..", "..")
	type file struct {
		path string
		text []byte
	}
	packages, uses := map[string][]file{}, map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// As Go does it. Tools keep whole systems of files below .cache, which come and go.
		if entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		own := filepath.Dir(path) == filepath.Join(root, "internal", "config")
		if own && (strings.HasSuffix(path, "_test.go") || slices.Contains([]string{"keys.go", "sinks.go", "value.go"}, filepath.Base(path))) {
			return nil // they are about all settings
		}
		isTest := strings.HasSuffix(path, "_test.go")
		if !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".txtar") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if isTest || strings.HasSuffix(path, ".txtar") {
			found.texts = append(found.texts, string(text))
		}
		imports := strings.Contains(string(text), `"github.com/openhostfactory/ohfp/internal/config"`)
		switch {
		case !isTest:
			in := filepath.Dir(path)
			packages[in] = append(packages[in], file{path, text})
			uses[in] = uses[in] || imports || own
			return nil
		case imports:
			return collect(path, text, found.tests)
		}
		return nil
	})
	for in, files := range packages {
		for _, file := range files {
			if uses[in] && strings.HasSuffix(file.path, ".go") {
				err = errors.Join(err, collect(file.path, file.text, found.production))
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func collect(path string, text []byte, names map[string]bool) error {
	tree, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			names[n.Sel.Name] = true
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && strings.HasSuffix(path, "_test.go") {
				names[key.Name] = true
			}
		}
		return true
	})
	return nil
}
