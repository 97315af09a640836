package setup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp/deploy/hostfactory"
	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/provider"
)

const (
	registeredCheck = "host factory"
	registerAgain   = "run ohfp init --hostfactory $HF_TOP, which registers it"
	restart         = ", then egosh service stop HostFactory and start HostFactory"
)

// entryName is what Host Factory takes as a name.
var entryName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// Registered looks whether Host Factory knows this program as a provider: whether the three files can be read, name it, have it
// switched on, and lead to scripts and directories that are good. Where there is no Host Factory there is nothing to look at.
// Probe writes to a directory and takes it back.
func Registered(environ []string, probe func(dir string) error) []provider.Finding {
	env := directories.NewEnvironment(environ)
	if env["HF_TOP"] == "" {
		return []provider.Finding{fine(registeredCheck, "", "not looked at: HF_TOP does not say where it is")}
	}
	l := registeredLook{
		files: Registration{Top: env["HF_TOP"], Version: env["HF_VERSION"]}, env: env, probe: probe,
	}
	l.look()
	if len(l.found) == 0 {
		l.found = append(l.found, fine(registeredCheck, l.files.providersFile(), strings.Join(l.good, "; ")))
	}
	return l.found
}

// registeredLook is one look at Host Factory's files.
type registeredLook struct {
	files Registration
	env   directories.Environment
	probe func(dir string) error
	found []provider.Finding
	good  []string
}

func (l *registeredLook) fail(about, text, fix string) {
	l.found = append(l.found, failure(registeredCheck, about, text, fix))
}

// entry is a plug-in, a provider or a requestor as the files have it; version 1 has the scripts with the provider.
type entry struct {
	Name       string          `json:"name"`
	Enabled    json.RawMessage `json:"enabled"`
	Plugin     string          `json:"plugin"`
	ConfPath   string          `json:"confPath"`
	WorkPath   string          `json:"workPath"`
	LogPath    string          `json:"logPath"`
	ScriptPath string          `json:"scriptPath"`
	Providers  []string        `json:"providers"`
}

func (e entry) on() bool {
	switch strings.Trim(string(e.Enabled), `"`) {
	case "0", "false", "":
		return false
	}
	return true
}

// entries reads one of the files. What is wrong with it is told.
func (l *registeredLook) entries(path, key string) (list []entry, version int, ok bool) {
	r, err := readRegistry(path, key)
	switch {
	case err != nil:
		l.fail(path, err.Error(), "mend the file where the message says, or put back its copy"+restart)
		return nil, 0, false
	case r.text == nil:
		l.fail(path, "the file is not there", registerAgain)
		return nil, 0, false
	}
	named := map[string]bool{}
	for i, item := range r.items {
		var e entry
		if err := json.Unmarshal(item.value, &e); err != nil {
			l.fail(path, fmt.Sprintf("entry %d of %s cannot be read: %v", i+1, key, err), "correct it"+restart)
			continue
		}
		switch {
		case !entryName.MatchString(e.Name):
			l.fail(path, fmt.Sprintf("entry %d of %s has the name %q; Host Factory takes 1 to 64 of 0-9 A-Z a-z _ -", i+1, key, e.Name), "rename it"+restart)
		case named[e.Name]:
			l.fail(path, key+" has two entries "+e.Name, "remove one of them"+restart)
		}
		named[e.Name] = true
		list = append(list, e)
	}
	return list, r.version, true
}

func (l *registeredLook) look() {
	if info, err := os.Stat(filepath.Join(l.files.Top, "conf")); err != nil || !info.IsDir() {
		l.fail(l.files.Top, "HF_TOP is not Host Factory's directory: it has no conf", "set HF_TOP to what it is in the HostFactory service (hostfactory.xml)")
		return
	}
	for _, name := range []string{"HF_WORKDIR", "HF_LOGDIR"} {
		l.writable(l.variable(name), name)
	}
	providers, version, ok := l.entries(l.files.providersFile(), "providers")
	if !ok {
		return
	}
	var plugins []entry
	if version >= newest {
		if plugins, _, ok = l.entries(l.files.pluginsFile(), "providerplugins"); !ok {
			return
		}
	}
	ours := slices.DeleteFunc(slices.Clone(providers), func(e entry) bool { return !l.ours(e) })
	if len(ours) == 0 {
		text := "no provider uses the plug-in " + pluginName
		if name := l.env["HF_PROVIDER_NAME"]; name != "" {
			text += ", and none is called " + name + " (HF_PROVIDER_NAME)"
		}
		l.fail(l.files.providersFile(), text, registerAgain)
		return
	}
	requestors, _, known := l.entries(l.files.requestorsFile(), "requestors")
	for _, e := range ours {
		l.provider(e, version, plugins)
		if known {
			l.requestors(e, requestors)
		}
	}
}

// ours says whether a provider is this program: by the name that it has now, by its plug-in or by its scripts.
func (l *registeredLook) ours(e entry) bool {
	return e.Name == l.env["HF_PROVIDER_NAME"] || e.Plugin == pluginName ||
		strings.Contains(filepath.ToSlash(e.ScriptPath), "/providerplugins/"+pluginName+"/")
}

func (l *registeredLook) provider(e entry, version int, plugins []entry) {
	file := l.files.providersFile()
	if !e.on() {
		l.fail(file, "provider "+e.Name+" is switched off", `set its "enabled" to 1`+restart)
	}
	scripts, at := e.ScriptPath, file
	if version >= newest {
		at = l.files.pluginsFile()
		i := slices.IndexFunc(plugins, func(p entry) bool { return p.Name == e.Plugin })
		if i < 0 {
			l.fail(at, fmt.Sprintf("provider %s uses plug-in %q, which has no entry", e.Name, e.Plugin), registerAgain)
			return
		}
		if !plugins[i].on() {
			l.fail(at, "plug-in "+e.Plugin+" is switched off", `set its "enabled" to 1`+restart)
		}
		scripts = plugins[i].ScriptPath
	}
	l.scripts(at, scripts)
	if conf, ok := l.path(file, "confPath", e.ConfPath); ok {
		if _, err := os.ReadDir(conf); err != nil {
			l.fail(conf, "the confPath of provider "+e.Name+" cannot be read: "+reason(err), registerAgain)
		}
	}
	for key, path := range map[string]string{"workPath": e.WorkPath, "logPath": e.LogPath} {
		if dir, ok := l.path(file, key, path); ok {
			l.writable(dir, "the "+key+" of provider "+e.Name)
		}
	}
	l.good = append(l.good, fmt.Sprintf("provider %s is registered (version %d)", e.Name, version))
}

// scripts looks whether Host Factory can start all of the scripts.
func (l *registeredLook) scripts(file, path string) {
	dir, ok := l.path(file, "scriptPath", path)
	if !ok {
		return
	}
	tree, err := hostfactory.Scripts()
	if err != nil {
		l.fail(dir, err.Error(), "report it")
		return
	}
	suffix := ".sh"
	if runtime.GOOS == "windows" {
		suffix = ".bat"
	}
	err = fs.WalkDir(tree, ".", func(name string, of fs.DirEntry, err error) error {
		if err != nil || of.IsDir() || !strings.HasSuffix(name, suffix) {
			return err
		}
		script := filepath.Join(dir, name)
		info, err := os.Stat(script)
		switch {
		case err != nil:
			l.fail(script, "Host Factory starts it, and it is not there: "+reason(err), "correct scriptPath in "+file+", or write the scripts with ohfp init --scripts-dir "+dir)
		case info.Mode().Perm()&executable == 0 && suffix == ".sh":
			l.fail(script, "Host Factory starts it, and it cannot be executed", "chmod +x "+script)
		}
		return nil
	})
	if err != nil {
		l.fail(dir, err.Error(), "report it")
	}
}

// requestors looks whether anybody asks the provider for machines.
func (l *registeredLook) requestors(e entry, requestors []entry) {
	var off []string
	for _, r := range requestors {
		switch {
		case !slices.Contains(r.Providers, e.Name):
		case r.on():
			l.good = append(l.good, "requestor "+r.Name+" asks it")
			return
		default:
			off = append(off, r.Name)
		}
	}
	if len(off) > 0 {
		l.fail(l.files.requestorsFile(), "the only requestors that may use provider "+e.Name+" are switched off: "+strings.Join(off, ", "), `set "enabled" of one to 1`+restart)
		return
	}
	l.fail(l.files.requestorsFile(), "no requestor lists provider "+e.Name+", so nothing asks for its machines", "add it to the providers of a requestor, or "+registerAgain)
}

// path is a directory that a file names, with its variables as the HostFactory service has them.
func (l *registeredLook) path(file, key, text string) (string, bool) {
	if text == "" {
		l.fail(file, "there is no "+key, registerAgain)
		return "", false
	}
	var unknown []string
	dir := os.Expand(text, func(name string) string {
		value := l.variable(name)
		if value == "" {
			unknown = append(unknown, name)
		}
		return value
	})
	if len(unknown) > 0 {
		l.found = append(l.found, warning(registeredCheck, file, key+" is "+text+", and "+strings.Join(unknown, ", ")+" is not set here",
			"run ohfp doctor with the environment of the HostFactory service (source profile.hf), or write the path out"))
		return "", false
	}
	return filepath.Clean(dir), true
}

// variable is what the HostFactory service sets, or its default below HF_TOP.
func (l *registeredLook) variable(name string) string {
	if value := l.env[name]; value != "" {
		return value
	}
	switch name {
	case "HF_VERSION":
		return l.files.version()
	case "HF_CONFDIR":
		return filepath.Join(l.files.Top, "conf")
	case "HF_WORKDIR":
		return filepath.Join(l.files.Top, "work")
	case "HF_LOGDIR":
		return filepath.Join(l.files.Top, "log")
	default:
		return ""
	}
}

// writable tries a directory; one that is not there yet is made by whoever needs it first.
func (l *registeredLook) writable(dir, what string) {
	at := dir
	for {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) || filepath.Dir(at) == at {
			break
		}
		at = filepath.Dir(at)
	}
	if err := l.probe(at); err != nil {
		l.fail(at, what+" cannot be written: "+reason(err), "give it to the user that Host Factory runs as (chown), or free space on its file system")
	}
}
