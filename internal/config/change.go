package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

// Change sets a setting in the configuration file, or removes it when Value is nil.
type Change struct {
	Key   string          // limits.max_machines, providers[aws].config.region
	Value json.RawMessage // as JSON
}

// Changed is what a change of the configuration did.
type Changed struct {
	File    string   // that was or would be written
	Config  Config   // as it is then
	Notes   []string // what whoever asked for it should know
	Written bool     // false when the file is as it was
}

// Text makes the value of a setting from what was typed on a command line.
func Text(name, value string) json.RawMessage {
	quoted, _ := json.Marshal(value) // text always encodes
	l := newLoader(Sources{})
	key, ok := l.key(name)
	if !ok {
		if key, ok = entryKey(canonical(name)); !ok {
			if json.Valid([]byte(value)) {
				return json.RawMessage(value)
			}
			return quoted
		}
	}
	switch {
	case key.Kind == KindObject && json.Valid([]byte(value)):
		return json.RawMessage(value)
	case key.Kind == KindList && json.Valid([]byte(value)) && strings.HasPrefix(value, "["):
		return json.RawMessage(value)
	case key.Kind == KindList:
		items, _ := json.Marshal(key.split(value)) // so does a list of it
		return items
	case key.Kind == KindTruth && (value == "true" || value == "false"):
		return json.RawMessage(value)
	case key.Kind == KindCount || key.Kind == KindAmount || key.Kind == KindDuration:
		if _, err := strconv.ParseFloat(value, 64); err == nil && json.Valid([]byte(value)) {
			return json.RawMessage(value)
		}
	}
	return quoted
}

// entryKey is the setting of an entry of a list, as providers[aws].priority.
func entryKey(name string) (Key, bool) {
	var keys []Key
	switch {
	case strings.HasPrefix(name, "providers["):
		var scratch Provider
		keys = append(providerSettings(&scratch), ownSettings()...)
	case strings.HasPrefix(name, "events.sinks["):
		var scratch Sink
		keys = sinkSettings(&scratch)
	}
	_, own, _ := strings.Cut(name, "].")
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == own })
	if i < 0 {
		return Key{}, false
	}
	return keys[i], true
}

// Apply changes the configuration file: the one in which the first setting stands, else the one it would belong to, which
// is made when there is none. What the file would then say is checked first, by Load and by check, and nothing is written
// when that fails. The file is replaced in one step and keeps its mode and owner.
func Apply(s Sources, check func(Config) error, changes ...Change) (Changed, error) {
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return Changed{}, ohfp.Errorf(ohfp.ErrInvalid, "the current directory cannot be found: %w; change to one that exists", err)
	}
	s.Dir = dir
	l := newLoader(s)
	if err := errors.Join(l.locate(), l.readDotEnv()); err != nil {
		return Changed{}, err
	}
	e := editor{loader: l, sources: s}
	if err := e.choose(changes[0].Key); err != nil {
		return Changed{}, err
	}
	before, existed, err := readIfThere(e.file)
	if err != nil {
		return Changed{}, err
	}
	e.text = before
	for _, change := range changes {
		if err := e.apply(change); err != nil {
			return Changed{}, err
		}
	}
	out := Changed{File: e.file, Notes: e.notes}
	s.Instead = map[string][]byte{e.file: e.text}
	if out.Config, err = Load(s); err == nil && check != nil {
		err = check(out.Config)
	}
	if err != nil {
		return out, fmt.Errorf("nothing was written, since the configuration would be wrong: %w", err)
	}
	out.Notes = append(out.Notes, e.overridden(out.Config, changes)...)
	if bytes.Equal(before, e.text) && (existed || len(e.text) == 0) {
		return out, nil
	}
	if err := replaceFile(e.file, before, e.text, existed); err != nil {
		return out, err
	}
	out.Written = true
	return out, nil
}

// editor changes the text of one file.
type editor struct {
	*loader
	sources Sources
	file    string
	text    []byte
	notes   []string
}

// choose finds the file for a setting.
func (e *editor) choose(name string) error {
	if e.config.Named != "" {
		e.file = e.config.Named
		return nil
	}
	mains, lists := directories.MainFiles(), directories.ProviderFiles()
	main, list := e.pick(mains), e.pick(lists)
	ofProviders := strings.HasPrefix(canonical(name), "provider")
	for _, path := range []string{main, list} {
		if path == "" {
			continue
		}
		root, err := document.Read(path)
		if err != nil {
			return fmt.Errorf("configuration: %w", err)
		}
		paths, err := e.paths(root, name)
		if err == nil && slices.ContainsFunc(paths, func(p []string) bool { return has(root, p[:1]) }) {
			e.file = path
			return nil
		}
	}
	switch {
	case ofProviders && list != "":
		e.file = list
	case main != "":
		e.file = main
	case list != "" && !ofProviders:
		e.file = list
	default:
		e.file = filepath.Join(e.config.ConfDir, "config.yml")
	}
	return nil
}

func (e *editor) apply(c Change) error {
	root, err := document.Parse(e.file, e.text)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	paths, err := e.paths(root, c.Key)
	if err != nil {
		return err
	}
	path := paths[0]
	for _, candidate := range paths {
		if has(root, candidate) {
			path = candidate
			break
		}
	}
	if c.Value == nil && !has(root, path) {
		e.notes = append(e.notes, c.Key+" is not set in "+e.file)
		return nil
	}
	if e.text, err = document.Edit(e.file, e.text, path, c.Value); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return nil
}

// paths are the places where a setting may stand, its own first.
func (e *editor) paths(root document.Node, name string) ([][]string, error) {
	name = canonical(name)
	for _, list := range []string{"providers", "events.sinks"} {
		if rest, ok := strings.CutPrefix(name, list+"["); ok {
			return e.inList(root, list, rest)
		}
		if name == list {
			return [][]string{strings.Split(list, ".")}, nil
		}
	}
	if rest, ok := strings.CutPrefix(name, "provider_defaults."); ok {
		words := strings.SplitN(rest, ".", 3)
		if len(words) < 2 || words[1] != "template_defaults" {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s is not a setting; use provider_defaults.<type>.template_defaults", name)
		}
		return [][]string{append([]string{"provider_defaults"}, words...)}, nil
	}
	key, ok := e.key(name)
	switch advice, isForeign := Foreign(name); {
	case ok && key.set != nil:
		paths := [][]string{strings.Split(key.Name, ".")}
		for _, alias := range key.Aliases {
			paths = append(paths, strings.Split(alias, "."))
		}
		return paths, nil
	case isForeign:
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s is not a setting here; %s", name, advice)
	case slices.ContainsFunc(e.keys, func(k Key) bool { return strings.HasPrefix(k.Name, name+".") }):
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s is a section; name one setting of it%s", name, e.suggestion(name+".", name+"."))
	default:
		section := ""
		if i := strings.LastIndexByte(name, '.'); i >= 0 && (file{loader: e.loader}).isSection(name[:i]) {
			section = name[:i+1]
		}
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s is not a setting%s", name, e.suggestion(name, section))
	}
}

// inList is the place in the entry of a list: rest is aws].config.region, with the entry's name or number.
func (e *editor) inList(root document.Node, list, rest string) ([][]string, error) {
	entry, below, ok := strings.Cut(rest, "]")
	if rest == "]" { // one more
		at := root
		path := strings.Split(list, ".")
		for _, key := range path {
			at = member(at, key)
		}
		return [][]string{append(path, strconv.Itoa(len(at.Items)))}, nil
	}
	if !ok || entry == "" {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s[%s is not a setting; write %s[NAME].SETTING", list, rest, list)
	}
	path := strings.Split(list, ".")
	at := root
	for _, key := range path {
		at = member(at, key)
	}
	index := slices.IndexFunc(at.Items, func(item document.Node) bool { return member(item, "name").Text() == entry })
	if n, err := strconv.Atoi(entry); index < 0 && err == nil && n >= 0 && n < len(at.Items) {
		index = n
	}
	if index < 0 {
		return nil, ohfp.Errorf(ohfp.ErrNotFound, "%s[%s] is not in a configuration file of yours; see ohfp config show --origin %s", list, entry, list)
	}
	path = append(path, strconv.Itoa(index))
	below = strings.TrimPrefix(below, ".")
	switch words := strings.Split(below, "."); {
	case below == "":
	case words[0] == "config" || words[0] == "template_defaults":
		path = append(path, words...)
	default:
		path = append(path, below)
	}
	return [][]string{path}, nil
}

func member(n document.Node, key string) document.Node {
	for _, field := range n.Fields {
		if field.Key == key {
			return field.Value
		}
	}
	return document.Node{}
}

// has says whether there is something at a path.
func has(n document.Node, path []string) bool {
	for _, step := range path {
		i, err := strconv.Atoi(step)
		switch {
		case n.Kind == document.Object && slices.ContainsFunc(n.Fields, func(f document.Field) bool { return f.Key == step }):
			n = member(n, step)
		case n.Kind == document.List && err == nil && i >= 0 && i < len(n.Items):
			n = n.Items[i]
		default:
			return false
		}
	}
	return true
}

// overridden names settings whose change shows no effect, since another source wins over the file.
func (e *editor) overridden(c Config, changes []Change) []string {
	var notes []string
	for _, change := range changes {
		key, ok := e.key(change.Key)
		if !ok {
			continue
		}
		if origin := c.Origin(key.Name); change.Value != nil && !strings.HasPrefix(origin, e.file+":") {
			notes = append(notes, fmt.Sprintf("%s in %s wins over the file", key.Name, origin))
		}
		if key.Secret && change.Value != nil && !bytes.ContainsRune(change.Value, '$') {
			notes = append(notes, key.Name+" is a secret and now stands in "+e.file+"; ${NAME} would keep it in a variable")
		}
	}
	return notes
}

func readIfThere(path string) (data []byte, existed bool, err error) {
	data, err = os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// replaceFile puts a new text in the place of a file in one step. The file that a link leads to is the one replaced.
func replaceFile(path string, before, after []byte, existed bool) error {
	mode, owner := fs.FileMode(0o600), fs.FileInfo(nil)
	if existed {
		linked, err := filepath.EvalSymlinks(path)
		if err != nil {
			return err
		}
		path = linked
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		mode, owner = info.Mode().Perm(), info
	} else if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // it is gone when all went well
	_, err = temporary.Write(after)
	err = errors.Join(err, temporary.Chmod(mode), keepOwner(temporary, owner), temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	if now, _, err := readIfThere(path); err != nil || !bytes.Equal(now, before) {
		return errors.Join(ohfp.Errorf(ohfp.ErrConflict, "%s was changed by somebody else in the meantime; look at it and try again", path), err)
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}
