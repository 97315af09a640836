package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp/internal/config/document"
)

// Events is where events go besides the store.
type Events struct {
	Templates bool // changes of templates are events too
	Sinks     []Sink
}

// Sink is a place that events are taken to.
type Sink struct {
	Name       string
	Type       string   // SinkLog, SinkFile or SinkWebhook
	Kinds      []string // which events; empty: all
	Path       string   // of a file
	MaxSizeMB  int      // of a file; 0: never put aside
	MaxRotate  int      // of a file: old files kept
	URL        string   // of a webhook
	Secret     Secret   // of a webhook
	SecretFile string   // of a webhook: a file that holds the secret
}

// Kinds of places that events are taken to.
const (
	SinkLog     = "log"
	SinkFile    = "file"
	SinkWebhook = "webhook"
)

// sinkSettings is the table of one place that events are taken to, bound to s.
func sinkSettings(s *Sink) []Key {
	return []Key{
		text("name", "1 to 64 of the characters 0-9 A-Z a-z _ -", &s.Name,
			"The name of the place. The store remembers under it which events have arrived, so a new name starts with the first event."),
		oneOf("type", "", SinkLog+", "+SinkFile+" or "+SinkWebhook, &s.Type, []string{SinkLog, SinkFile, SinkWebhook},
			"log writes a line of the program's log for each event, file a line of JSON, webhook posts batches of events as JSON."),
		words("kinds", "a list of kinds of events, such as request.changed or machine.*", &s.Kinds, "Which events go there. Empty: all."),
		path("path", "", &s.Path, "The file of the type file."),
		count("max_size_mb", "0", 0, 1<<20, &s.MaxSizeMB,
			"The size in MiB at which the file is put aside and a new one begun. 0: never; it may be put aside by others at any time."),
		count("max_rotate", "5", 0, 1000, &s.MaxRotate, "How many files that were put aside are kept."),
		text("url", "https://host/path", &s.URL, "The address of the type webhook. http:// is only allowed on this machine."),
		secret("secret", "${NAME}", &s.Secret,
			"What deliveries of the type webhook are signed with. Keep it out of files: write ${NAME} for a variable, or use secret_file."),
		path("secret_file", "", &s.SecretFile, "The file that holds what deliveries of the type webhook are signed with, at least 16 bytes."),
	}
}

// fitting are the settings of each type besides name, type and kinds.
func fitting(kind string) []string {
	switch kind {
	case SinkFile:
		return []string{"path", "max_size_mb", "max_rotate"}
	case SinkWebhook:
		return []string{"url", "secret", "secret_file"}
	default:
		return nil
	}
}

// leastSecret is how many bytes a secret must have to be one.
const leastSecret = 16

func (f file) applySinks(field document.Field) error {
	const name = "events.sinks"
	if field.Value.Null() {
		return nil
	}
	if field.Value.Kind != document.List {
		return f.fail(field.Line, "%s is %s; write a list of objects", name, field.Value.Kind)
	}
	if err := f.claim(name, field.Line); err != nil {
		return err
	}
	f.config.Events.Sinks = nil
	for i, item := range field.Value.Items {
		where := fmt.Sprintf("%s[%d]", name, i)
		s, err := f.sink(where, item)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(f.config.Events.Sinks, func(other Sink) bool { return other.Name == s.Name }) {
			return f.fail(item.Line, "%s.name is %q, which another has already; give each its own", where, s.Name)
		}
		f.config.Events.Sinks = append(f.config.Events.Sinks, s)
	}
	return nil
}

func (f file) sink(where string, object document.Node) (Sink, error) {
	var s Sink
	if object.Kind != document.Object {
		return s, f.fail(object.Line, "%s is %s; write an object with name and type", where, object.Kind)
	}
	keys := sinkSettings(&s)
	for _, key := range keys {
		if key.Default != "" {
			key.set(input{values: []string{key.Default}})
		}
	}
	set := map[string]int{}
	for _, field := range object.Fields {
		if field.Value.Null() {
			continue
		}
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == field.Key })
		if i < 0 {
			var known []string
			for _, key := range keys {
				known = append(known, key.Name)
			}
			if near := document.Nearest(field.Key, known); near != "" {
				return s, f.fail(field.Line, "%s.%s is not a setting; did you mean %s?", where, field.Key, near)
			}
			return s, f.fail(field.Line, "%s.%s is not a setting; use one of %s", where, field.Key, strings.Join(known, ", "))
		}
		key := keys[i]
		values, ok := scalars(field.Value)
		ok = ok && (field.Value.Kind != document.List || key.Kind == KindList)
		if !ok || !key.set(input{values: values, base: filepath.Dir(f.path), home: f.env.Home()}) {
			if key.Secret {
				return s, f.fail(field.Line, "%s.%s is not as it should be; write %s", where, field.Key, key.Expected)
			}
			return s, f.fail(field.Line, "%s.%s is %s; write %s", where, field.Key, field.Value.JSON(), key.Expected)
		}
		set[field.Key] = field.Line
	}
	return s, f.checkSink(where, object.Line, s, set)
}

func (f file) checkSink(where string, line int, s Sink, set map[string]int) error {
	for name, at := range set {
		if slices.Contains([]string{"name", "type", "kinds"}, name) || s.Type == "" || slices.Contains(fitting(s.Type), name) {
			continue
		}
		return f.fail(at, "%s.%s does not go with type %s; remove it", where, name, s.Type)
	}
	switch {
	case s.Name == "":
		return f.fail(line, "%s has no name; give it one", where)
	case !wellFormed(s.Name):
		return f.fail(line, "%s.name is %q; write 1 to 64 of the characters 0-9 A-Z a-z _ -", where, s.Name)
	case s.Type == "":
		return f.fail(line, "%s (%s) has no type; write %s, %s or %s", where, s.Name, SinkLog, SinkFile, SinkWebhook)
	case s.Type == SinkFile && s.Path == "":
		return f.fail(line, "%s (%s) has no path; write the name of the file", where, s.Name)
	case s.Type == SinkWebhook && s.URL == "":
		return f.fail(line, "%s (%s) has no url; write https://host/path", where, s.Name)
	case s.Type == SinkWebhook && (s.Secret == "") == (s.SecretFile == ""):
		return f.fail(line, "%s (%s) needs either secret or secret_file", where, s.Name)
	case s.Secret != "" && len(s.Secret) < leastSecret:
		return f.fail(set["secret"], "%s.secret has fewer than %d bytes; use a longer one", where, leastSecret)
	}
	return nil
}
