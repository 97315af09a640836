package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

// Import takes over configuration and templates of IBM's AWS plug-in and of the Python system.
type Import struct {
	Sources   []string // files, or directories whose files of the usual names are read
	ConfDir   string   // where the result goes; empty: where the program looks for it
	Name      string   // of the provider instance, for IBM's file, which has none
	Force     bool
	Dir       string // where relative names start
	File      string // the configuration file that the user names, beside which the result belongs
	Environ   []string
	LookupEnv func(key string) (string, bool)
	Now       func() time.Time
}

// Untaken is something that could not be taken over.
type Untaken struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Key    string `json:"key"` // a setting, a template, or a field of one
	Reason string `json:"reason"`
}

// Imported is what an Import would write, and what not.
type Imported struct {
	Plan
	Settings  int // that were taken over
	Templates int
	Untaken   []Untaken
}

// importer is an import under way: everything is tried on the program itself before it counts as taken.
type importer struct {
	Import
	stage     *stage
	doc       map[string]any // the configuration as it grows
	templates []json.RawMessage
	ids       []string
	result    Imported
	file      string // that is being read
}

// Plan reads the sources and says what would be written.
func (in Import) Plan(ctx context.Context) (Imported, error) {
	if in.ConfDir == "" {
		found, err := directories.Find(directories.NewEnvironment(in.Environ), in.Dir, in.File)
		if err != nil {
			return Imported{}, ohfp.Errorf(ohfp.ErrInvalid, "%w", err)
		}
		in.ConfDir = found.Conf
	}
	if !filepath.IsAbs(in.ConfDir) {
		in.ConfDir = filepath.Join(in.Dir, in.ConfDir)
	}
	s, err := newStage("", in.Environ, in.Now, in.LookupEnv)
	if err != nil {
		return Imported{}, err
	}
	defer s.close()
	im := &importer{Import: in, stage: s, doc: map[string]any{}}
	files, err := in.files()
	if err != nil {
		return Imported{}, err
	}
	var templates []string
	for _, file := range files { // settings first: templates are tried with them
		root, err := document.Read(file)
		im.file = file
		switch {
		case err != nil:
			im.refuse(0, "", err)
		case holdsTemplates(root):
			templates = append(templates, file)
		case root.Kind == document.Object:
			im.configuration(ctx, root)
		default:
			im.refuse(root.Line, "", errors.New("it holds neither settings nor templates"))
		}
	}
	if len(im.doc) == 0 {
		im.useExisting()
	}
	for _, file := range templates {
		im.file = file
		im.templateFile(ctx)
	}
	return im.finish()
}

// files are the files to read. Of a directory they are those that the two systems look for.
func (in Import) files() ([]string, error) {
	var files []string
	for _, source := range in.Sources {
		if !filepath.IsAbs(source) {
			source = filepath.Join(in.Dir, source)
		}
		info, err := os.Stat(source)
		if err != nil {
			return nil, ohfp.Errorf(ohfp.ErrNotFound, "%s cannot be read: %s", source, reason(err))
		}
		if !info.IsDir() {
			files = append(files, source)
			continue
		}
		found := 0
		// The later ones lie below the earlier ones, whose settings win.
		for _, pattern := range []string{"config.json", "config.y*ml", "*prov_config.json", "default_config.json", "*templates.json", "*templates.y*ml"} {
			matches, err := filepath.Glob(filepath.Join(source, pattern))
			if err != nil {
				return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s cannot be searched: %w", source, err)
			}
			files = append(files, matches...)
			found += len(matches)
		}
		if found == 0 {
			return nil, ohfp.Errorf(ohfp.ErrNotFound, "%s has no file that is known (config.json, *prov_config.json, default_config.json, *templates.json); name the files", source)
		}
	}
	return files, nil
}

func holdsTemplates(root document.Node) bool {
	if root.Kind == document.List {
		return true
	}
	return slices.ContainsFunc(root.Fields, func(f document.Field) bool {
		return f.Key == "templates" && f.Value.Kind == document.List || f.Key == "templateId" || f.Key == "template_id"
	})
}

func (im *importer) refuse(line int, key string, err error) {
	text := strings.ReplaceAll(im.stage.named(err).Error(), im.stage.dir+string(filepath.Separator), "")
	text = unnamed(strings.TrimPrefix(text, "config.json:1: "), key)
	im.result.Untaken = append(im.result.Untaken, Untaken{File: im.file, Line: line, Key: key, Reason: text})
}

// unnamed is a reason without the key that it is about, which stands beside it.
func unnamed(reason, key string) string {
	const part = ": "
	reason = strings.TrimPrefix(reason, key+part)
	for _, name := range []string{key, key[strings.LastIndexByte(key, '.')+1:]} {
		if _, rest, found := strings.Cut(part+reason, part+name+" "); found {
			return "it " + rest
		}
	}
	return reason
}

// valid says whether the program takes the configuration as it has grown. Each provider is opened, which makes no call.
func (im *importer) valid(ctx context.Context) error {
	content, err := json.Marshal(im.doc)
	if err != nil {
		return err
	}
	if err := im.stage.put("config.json", content); err != nil {
		return err
	}
	return im.stage.with(ctx, func(a *app.App) error {
		for _, p := range a.Providers() {
			if _, err := a.Policy(ctx, p.Name, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// try puts a value into the configuration and takes it out again when the program refuses it.
func (im *importer) try(ctx context.Context, line int, key string, put, take func()) bool {
	put()
	if err := im.valid(ctx); err != nil {
		take()
		im.refuse(line, key, err)
		if content, err := json.Marshal(im.doc); err == nil { // it was encoded a moment ago
			_ = im.stage.put("config.json", content) // what is tried next must not meet it; were it not written, that would be refused with this reason
		}
		return false
	}
	im.result.Settings++
	return true
}

// useExisting tries templates with the configuration that is there.
func (im *importer) useExisting() {
	for _, name := range append(append(directories.MainFiles(), directories.ProviderFiles()...), directories.IBMFiles("")...) {
		if content, err := os.ReadFile(filepath.Join(im.ConfDir, name)); err == nil {
			_ = im.stage.put(name, content) // without it, templates are tried with the defaults
		}
	}
}

// finish plans the files.
func (im *importer) finish() (Imported, error) {
	r := im.result
	r.Journal = filepath.Join(im.ConfDir, journalFile)
	r.Templates = len(im.templates)
	if r.Settings == 0 && r.Templates == 0 {
		first := "they are empty"
		if len(r.Untaken) > 0 {
			u := r.Untaken[0]
			first = u.File + ": " + u.Key + " " + u.Reason
		}
		return r, ohfp.Errorf(ohfp.ErrInvalid, "nothing could be taken over from %s; the first reason: %s", strings.Join(im.Sources, ", "), first)
	}
	documents := map[string]any{}
	if r.Settings > 0 {
		documents["config.json"] = im.doc
	}
	if r.Templates > 0 {
		documents["templates.json"] = map[string]any{"templates": im.templates}
	}
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		content, err := render(documents[name], "")
		if err != nil {
			return r, err
		}
		path := filepath.Join(im.ConfDir, name)
		if err := r.Changes.Add(path, append(content, '\n'), confMode); err != nil {
			return r, err
		}
		if last := r.Changes[len(r.Changes)-1]; last.Old != nil && !last.Same() && !im.Force {
			return r, ohfp.Errorf(ohfp.ErrConflict, "%s is there already; use --force to replace it (a copy is kept), or another --config-dir", path)
		}
	}
	for _, name := range append(directories.MainFiles()[1:], directories.ProviderFiles()...) {
		if _, err := os.Stat(filepath.Join(im.ConfDir, name)); r.Settings > 0 && !errors.Is(err, fs.ErrNotExist) {
			return r, ohfp.Errorf(ohfp.ErrConflict, "%s is there already and would be read, too; move it away, or use another --config-dir", filepath.Join(im.ConfDir, name))
		}
	}
	r.Next = []string{"look at everything: OHFP_CONF_DIR=" + im.ConfDir + " ohfp doctor --format table"}
	return r, nil
}

// templateFile takes over the templates of a file, each by itself.
func (im *importer) templateFile(ctx context.Context) {
	root, err := document.Read(im.file)
	if err != nil {
		im.refuse(0, "", err)
		return
	}
	items := root.Items
	if root.Kind == document.Object {
		items = []document.Node{root}
		for _, field := range root.Fields {
			if field.Key == "templates" {
				items = field.Value.Items
			}
		}
	}
	for i, item := range items {
		im.template(ctx, i, item)
	}
}

// template translates a template and tries it. A field that nobody knows is left out and told; anything else that is
// wrong with it is a reason not to take it.
func (im *importer) template(ctx context.Context, place int, item document.Node) {
	name := fmt.Sprintf("templates[%d]", place)
	if item.Kind != document.Object {
		im.refuse(item.Line, name, errors.New("it is no object"))
		return
	}
	fields := map[string]json.RawMessage{}
	lines := map[string]document.Field{}
	for _, field := range item.Fields {
		if field.Value.Null() {
			continue
		}
		key, why := ours(field.Key)
		if key == "templateId" {
			name = "template " + field.Value.Text()
		}
		if _, twice := fields[key]; twice && why == "" {
			why = "it says again what " + key + " says"
		}
		if why != "" {
			im.refuse(field.Line, name+"."+field.Key, errors.New(why))
			continue
		}
		fields[key], lines[key] = im.value(key, field.Value), field
	}
	for {
		content, err := json.Marshal(fields)
		if err != nil {
			im.refuse(item.Line, name, err)
			return
		}
		id, problem := im.tryTemplate(ctx, content)
		if problem == nil {
			if slices.Contains(im.ids, id) {
				im.refuse(item.Line, name, errors.New("an earlier file has a template of that id"))
				return
			}
			im.ids, im.templates = append(im.ids, id), append(im.templates, content)
			return
		}
		unknown := ""
		for key := range fields {
			if strings.Contains(problem.Error(), key+" is not known") {
				unknown = key
			}
		}
		if unknown == "" {
			im.refuse(item.Line, name, problem)
			return
		}
		im.refuse(lines[unknown].Line, name+"."+lines[unknown].Key, problem)
		delete(fields, unknown)
	}
}

func (im *importer) tryTemplate(ctx context.Context, content []byte) (id string, err error) {
	list, problems, err := app.ParseTemplates("import.json", content)
	switch {
	case err != nil:
		return "", err
	case len(problems) > 0:
		return "", errors.New(problems[0].Text)
	case len(list) != 1:
		return "", errors.New("it is no template")
	}
	err = im.stage.with(ctx, func(a *app.App) error {
		_, err := a.CheckTemplate(ctx, list[0].Template)
		return err
	})
	return string(list[0].Template.ID), err
}

// value is a field's value with the files that it names found from the new place, too.
func (im *importer) value(key string, node document.Node) json.RawMessage {
	text := node.Text()
	if node.Kind == document.Scalar && slices.Contains([]string{"userDataScript", "launch_template_spec_file", "provider_api_spec_file"}, key) && !filepath.IsAbs(text) {
		path := filepath.Join(filepath.Dir(im.file), text)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			quoted, _ := json.Marshal(path) // strings always encode
			return quoted
		}
	}
	return node.JSON()
}
