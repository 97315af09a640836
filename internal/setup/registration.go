package setup

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// Registration is how Host Factory is told of a provider instance.
type Registration struct {
	Top        string   // HF_TOP
	Version    string   // HF_VERSION; empty: the newest that has provider plug-ins below Top
	Name       string   // of the provider instance
	Requestors []string // that may use it; empty: all that are enabled
	Force      bool     // replaces entries of the same name that say something else
}

// The files of Host Factory below HF_TOP/conf.
func (r Registration) pluginsFile() string {
	return filepath.Join(r.Top, "conf", "providerplugins", "hostProviderPlugins.json")
}

func (r Registration) providersFile() string {
	return filepath.Join(r.Top, "conf", "providers", "hostProviders.json")
}

func (r Registration) requestorsFile() string {
	return filepath.Join(r.Top, "conf", "requestors", "hostRequestors.json")
}

// ConfDir is the instance's directory of configuration.
func (r Registration) ConfDir() string { return filepath.Join(r.Top, "conf", "providers", r.Name) }

// WorkDir is the instance's directory of state.
func (r Registration) WorkDir() string { return filepath.Join(r.Top, "work", "providers", r.Name) }

// ScriptsDir is the plug-in's directory of scripts.
func (r Registration) ScriptsDir() string {
	return filepath.Join(PluginDir(r.Top, r.version()), "scripts")
}

func (r Registration) version() string {
	if r.Version != "" {
		return r.Version
	}
	found, _ := filepath.Glob(filepath.Join(r.Top, "*", "providerplugins")) // the pattern is a good one
	found = slices.DeleteFunc(found, func(dir string) bool { return filepath.Base(filepath.Dir(dir)) == "conf" })
	if len(found) == 0 {
		return ""
	}
	return filepath.Base(filepath.Dir(slices.Max(found)))
}

type pluginEntry struct {
	Name       string `json:"name"`
	Enabled    int    `json:"enabled"`
	ScriptPath string `json:"scriptPath"`
}

// providerEntry is an instance. Version 1 of the file, of Symphony 7.2, has the scripts in place of the plug-in.
type providerEntry struct {
	Name       string `json:"name"`
	Enabled    int    `json:"enabled"`
	Plugin     string `json:"plugin,omitempty"`
	ConfPath   string `json:"confPath"`
	WorkPath   string `json:"workPath"`
	LogPath    string `json:"logPath"`
	ScriptPath string `json:"scriptPath,omitempty"`
}

// newest is the version of the files that this program begins.
const newest = 2

// Plan plans the changes of the three files. Notes say what is left to do by hand.
func (r Registration) Plan(changes *Changes) (notes []string, err error) {
	if info, err := os.Stat(filepath.Join(r.Top, "conf")); err != nil || !info.IsDir() {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s is not Host Factory's directory: it has no conf; give what HF_TOP is in the HostFactory service", r.Top)
	}
	providers, err := readRegistry(r.providersFile(), "providers")
	if err != nil {
		return nil, err
	}
	scripts := "${HF_TOP}/${HF_VERSION}/providerplugins/" + pluginName + "/scripts/"
	entry := providerEntry{
		Name: r.Name, Enabled: 1, Plugin: pluginName, ConfPath: "${HF_CONFDIR}/providers/" + r.Name + "/",
		WorkPath: "${HF_WORKDIR}/providers/" + r.Name + "/", LogPath: "${HF_LOGDIR}/",
	}
	if providers.version < newest {
		entry.Plugin, entry.ScriptPath = "", filepath.ToSlash(r.ScriptsDir())+"/"
	} else if err := r.register(changes, r.pluginsFile(), "providerplugins", pluginName, pluginEntry{pluginName, 1, scripts}); err != nil {
		return nil, err
	}
	if err := r.register(changes, r.providersFile(), "providers", r.Name, entry); err != nil {
		return nil, err
	}
	return r.requestors(changes)
}

// registry is one of the files.
type registry struct {
	text    []byte
	version int
	list    span
	found   bool
	items   []span
}

// readRegistry reads a file. One that is not there is as the newest version begins.
func readRegistry(path, key string) (registry, error) {
	r := registry{version: newest}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	return parseRegistry(path, text, key)
}

func parseRegistry(path string, text []byte, key string) (registry, error) {
	r := registry{text: text, version: 1}
	plain := bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	all := span{start: len(text) - len(plain), end: len(text)}
	object, _, err := members(text, all)
	if err != nil || object == nil || !json.Valid(plain) {
		return r, ohfp.Errorf(ohfp.ErrInvalid, "%s is not a JSON object; mend it before something is added to it", path)
	}
	if version, ok := object["version"]; ok {
		if err := json.Unmarshal(version.value, &r.version); err != nil || r.version < 1 || r.version > newest {
			return r, ohfp.Errorf(ohfp.ErrInvalid, "%s has version %s, of which nothing is known; 1 and 2 are", path, version.value)
		}
	}
	if r.list, r.found = object[key]; !r.found {
		return r, ohfp.Errorf(ohfp.ErrInvalid, "%s has no list %q; add one, if only an empty one", path, key)
	}
	if _, r.items, err = members(text, r.list); err != nil || r.list.value[0] != '[' {
		return r, ohfp.Errorf(ohfp.ErrInvalid, "%s: %s is not a list", path, key)
	}
	return r, nil
}

// register adds an entry to a file, which is begun when it is not there.
func (r Registration) register(changes *Changes, path, key, name string, entry any) error {
	known, err := readRegistry(path, key)
	if err != nil {
		return err
	}
	if known.text == nil {
		content, err := render(map[string]any{"version": newest, key: []any{entry}}, "")
		if err != nil {
			return err
		}
		return changes.Add(path, append(content, '\n'), confMode)
	}
	wanted, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	for _, item := range known.items {
		var named struct {
			Name string `json:"name"`
		}
		if json.Unmarshal(item.value, &named) != nil || named.Name != name {
			continue
		}
		switch {
		case equalJSON(item.value, wanted):
			return changes.Add(path, known.text, confMode)
		case !r.Force:
			return ohfp.Errorf(ohfp.ErrConflict, "%s has an entry %s already that says something else; use another --name, or --force, which replaces it and keeps a copy", path, name)
		}
		rendered, err := render(entry, lineIndent(known.text, item.start))
		if err != nil {
			return err
		}
		return changes.Add(path, splice(known.text, item.start, item.end, string(rendered)), confMode)
	}
	text, err := appendTo(known.text, known.list, known.items, entry)
	if err != nil {
		return err
	}
	return changes.Add(path, text, confMode)
}

// requestors lists the instance under the requestors that may use it.
func (r Registration) requestors(changes *Changes) (notes []string, err error) {
	path := r.requestorsFile()
	known, err := readRegistry(path, "requestors")
	if err != nil {
		return nil, err
	}
	if known.text == nil {
		return []string{"there is no " + path + "; list " + r.Name + " under providers of a requestor there, or nothing asks for its machines"}, nil
	}
	left := slices.Clone(r.Requestors)
	text := known.text
	for i := range known.items {
		// Places move with every change, so they are looked up anew.
		now, err := parseRegistry(path, text, "requestors")
		if err != nil {
			return nil, err
		}
		item := now.items[i]
		var requestor struct {
			Name    string          `json:"name"`
			Enabled json.RawMessage `json:"enabled"`
		}
		if json.Unmarshal(item.value, &requestor) != nil {
			continue
		}
		off := string(requestor.Enabled) == "0" || string(requestor.Enabled) == "false"
		if len(r.Requestors) > 0 && !slices.Contains(r.Requestors, requestor.Name) || len(r.Requestors) == 0 && off {
			continue
		}
		left = slices.DeleteFunc(left, func(name string) bool { return name == requestor.Name })
		if text, err = admit(text, item, r.Name); err != nil {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s: requestor %s: %w", path, requestor.Name, err)
		}
	}
	if len(left) > 0 {
		return nil, ohfp.Errorf(ohfp.ErrNotFound, "%s has no requestor %s", path, strings.Join(left, ", "))
	}
	return nil, changes.Add(path, text, confMode)
}

// admit lists a provider under a requestor.
func admit(text []byte, requestor span, name string) ([]byte, error) {
	object, _, err := members(text, requestor)
	if err != nil {
		return nil, err
	}
	list, ok := object["providers"]
	if !ok {
		return putInto(text, requestor, len(object) == 0, "providers", []string{name})
	}
	var names []string
	if err := json.Unmarshal(list.value, &names); err != nil {
		return nil, errors.New("providers is not a list of names")
	}
	if slices.Contains(names, name) {
		return text, nil
	}
	_, items, err := members(text, list)
	if err != nil {
		return nil, err
	}
	return appendTo(text, list, items, name)
}

func equalJSON(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	xs, _ := json.Marshal(x) // what was decoded encodes
	ys, _ := json.Marshal(y)
	return bytes.Equal(xs, ys)
}
