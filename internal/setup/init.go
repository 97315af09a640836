package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/deploy/hostfactory"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/provider"
)

// The schedulers that machines are got for.
const (
	SchedulerDefault     = "default"     // people and programs
	SchedulerHostFactory = "hostfactory" // IBM Spectrum Symphony Host Factory
)

// journalFile keeps what Undo needs, in the directory of configuration.
const journalFile = "ohfp-init.journal.json"

// userDataFile is the sample of user data, in the directory of configuration.
const userDataFile = "user_data.sh"

// Answers are what an installation begins with. What is empty is found out or has a default.
type Answers struct {
	Type           string // of provider
	Name           string // of the provider instance
	Region         string
	Profile        string
	Subnets        []string
	SecurityGroups []string
	FleetRole      string
	Image          string
	Templates      []string // ids of example templates
	Scheduler      string   // empty: default, without a word of it in the configuration
	ConfDir        string
	ScriptsDir     string   // empty: no scripts, but with Host Factory
	Requestors     []string // of Host Factory that may use it; empty: all that are enabled
	Force          bool
}

// Init writes what an installation begins with.
type Init struct {
	Answers
	HostFactory string // HF_TOP; empty: Host Factory is told nothing
	Dir         string // where relative names start
	File        string // the configuration file that the user names, beside which the others belong
	Environ     []string
	LookupEnv   func(key string) (string, bool)
	Now         func() time.Time

	dialect string // of answers, where somebody chose one
}

// Plan is what an Init would write.
type Plan struct {
	Changes  Changes
	Journal  string
	Notes    []string // what could not be found out, or is left to do by hand
	Next     []string // what to do now
	Provider string
}

// starters are the templates that an installation begins with: one by one, and many at once on demand and spot.
func starters() []string {
	return []string{"RunInstances-OnDemand", "EC2Fleet-Instant-OnDemand", "EC2Fleet-Instant-Spot"}
}

// Settle completes the answers that need no cloud.
func (in *Init) Settle() error {
	env := directories.NewEnvironment(in.Environ)
	if in.Scheduler == "hf" {
		in.Scheduler = SchedulerHostFactory
	}
	in.dialect = in.Scheduler
	if in.HostFactory != "" {
		in.Scheduler = SchedulerHostFactory
		top, err := filepath.Abs(in.HostFactory)
		if err != nil {
			return err
		}
		in.HostFactory = top
	}
	set := func(field *string, values ...string) {
		for _, value := range values {
			if *field == "" {
				*field = value
			}
		}
	}
	set(&in.Scheduler, SchedulerDefault)
	set(&in.Type, "aws")
	set(&in.Region, env["AWS_REGION"], env["AWS_DEFAULT_REGION"])
	set(&in.Profile, env["AWS_PROFILE"])
	if in.Scheduler == SchedulerHostFactory {
		set(&in.Name, env["HF_PROVIDER_NAME"], "ohfpinst")
	} else {
		set(&in.Name, instanceName(in.Type, in.Profile, in.Region))
	}
	if in.HostFactory == "" {
		// Where it cannot be found out, check says what to give.
		found, _ := directories.Find(env, in.Dir, in.File)
		set(&in.ConfDir, found.Conf)
	} else {
		set(&in.ConfDir, in.registration().ConfDir())
		set(&in.ScriptsDir, in.registration().ScriptsDir())
	}
	if len(in.Templates) == 0 {
		in.Templates = starters()
		if in.FleetRole != "" {
			in.Templates = append(in.Templates, "SpotFleet-Request-CapacityOptimized")
		}
	}
	for _, dir := range []*string{&in.ConfDir, &in.ScriptsDir} {
		if *dir == "" {
			continue
		}
		absolute, err := filepath.Abs(*dir)
		if err != nil {
			return err
		}
		*dir = absolute
	}
	return in.check()
}

func (in *Init) check() error {
	switch {
	case in.Scheduler != SchedulerDefault && in.Scheduler != SchedulerHostFactory:
		return ohfp.Errorf(ohfp.ErrInvalid, "scheduler %q does not exist; use default or hostfactory", in.Scheduler)
	case in.Type != "aws":
		return ohfp.Errorf(ohfp.ErrInvalid, "provider type %q does not exist; use aws", in.Type)
	case !ohfp.TemplateID(in.Name).WellFormed():
		return ohfp.Errorf(ohfp.ErrInvalid, "name %q is not one that Host Factory takes; use 1 to 64 of the characters 0-9 A-Z a-z _ -", in.Name)
	case in.ConfDir == "":
		return ohfp.Errorf(ohfp.ErrInvalid, "the configuration directory is not known; give --config-dir")
	}
	return nil
}

// instanceName is the name that the Python system gave, so that an installation that is made anew keeps its name.
func instanceName(kind, profile, region string) string {
	name := kind
	for _, part := range []string{profile, region} {
		if part != "" {
			name += "_" + regexp.MustCompile(`[^0-9A-Za-z_-]`).ReplaceAllString(part, "-")
		}
	}
	return name[:min(len(name), 64)]
}

func (in *Init) registration() Registration {
	version := ""
	if in.LookupEnv != nil {
		version, _ = in.LookupEnv("HF_VERSION")
	}
	return Registration{Top: in.HostFactory, Version: version, Name: in.Name, Requestors: in.Requestors, Force: in.Force}
}

// Journal is where the journal of an installation is.
func (in *Init) Journal() string { return filepath.Join(in.ConfDir, journalFile) }

// templatesFile is the name under which the program and people look for the templates first.
func (in *Init) templatesFile() string {
	if in.Scheduler == SchedulerHostFactory {
		return in.Name + "prov_templates.json"
	}
	return "templates.json"
}

// Discover asks the account what it has.
func (in *Init) Discover(ctx context.Context) (provider.Inventory, error) {
	var found provider.Inventory
	content, err := in.config(nil)
	if err != nil {
		return found, err
	}
	s, err := newStage(in.stagedName(), in.Environ, in.Now, in.LookupEnv)
	if err != nil {
		return found, err
	}
	defer s.close()
	if err := s.put("config.json", content); err != nil {
		return found, err
	}
	err = s.with(ctx, func(a *app.App) error {
		found, err = a.Discover(ctx, in.Name)
		return err
	})
	return found, err
}

// stagedName is the instance's name as Host Factory would give it.
func (in *Init) stagedName() string {
	if in.Scheduler == SchedulerHostFactory {
		return in.Name
	}
	return ""
}

// Choose takes from an inventory what was not said: of the default network one subnet a zone, since a fleet takes no
// more, and its security group "default".
func (in *Init) Choose(found provider.Inventory) {
	network := ""
	for _, r := range found.Resources {
		if r.Kind == "vpc" && (r.Details["default"] == "true" || network == "") {
			network = r.ID
		}
	}
	if len(in.Subnets) > 0 {
		for _, r := range found.Resources {
			if r.ID == in.Subnets[0] {
				network = r.Details["vpc"]
			}
		}
	}
	zones := map[string]bool{}
	subnets, groups := []string{}, []string{}
	for _, r := range found.Resources {
		switch {
		case r.Details["vpc"] != network:
		case r.Kind == "subnet" && !zones[r.Details["zone"]]:
			zones[r.Details["zone"]] = true
			subnets = append(subnets, r.ID)
		case r.Kind == "security-group" && r.Name == "default":
			groups = append(groups, r.ID)
		}
	}
	if len(in.Subnets) == 0 {
		in.Subnets = subnets
	}
	if len(in.SecurityGroups) == 0 {
		in.SecurityGroups = groups
	}
}

// config is the configuration file.
func (in *Init) config(defaults map[string]any) ([]byte, error) {
	own := map[string]any{}
	if in.Region != "" {
		own["region"] = in.Region
	}
	if in.Profile != "" {
		own["profile"] = in.Profile
	}
	instance := map[string]any{"name": in.Name, "type": in.Type, "enabled": true, "config": own}
	if len(defaults) > 0 {
		instance["template_defaults"] = defaults
	}
	all := map[string]any{"providers": []any{instance}}
	if in.dialect != "" {
		all["scheduler"] = map[string]any{"type": in.dialect}
	}
	content, err := render(all, "")
	return append(content, '\n'), err
}

// defaults are the template fields that all templates share.
func (in *Init) defaults() map[string]any {
	fields := map[string]any{}
	if len(in.Subnets) > 0 {
		fields["subnetIds"] = in.Subnets
	}
	if len(in.SecurityGroups) > 0 {
		fields["securityGroupIds"] = in.SecurityGroups
	}
	for name, value := range map[string]string{"fleetRole": in.FleetRole, "imageId": in.Image} {
		if value != "" {
			fields[name] = value
		}
	}
	if in.Scheduler == SchedulerHostFactory {
		fields["userDataScript"] = userDataFile
	}
	return fields
}

// Plan makes the files, tries them as the program will read them, and says what would be written.
func (in *Init) Plan(ctx context.Context) (Plan, error) {
	plan := Plan{Journal: in.Journal(), Provider: in.Name}
	if len(in.Subnets) == 0 {
		return plan, ohfp.Errorf(ohfp.ErrInvalid, "no subnet is known for the machines; give --subnet-ids, or credentials that may list subnets")
	}
	content, err := in.config(in.defaults())
	if err != nil {
		return plan, err
	}
	s, err := newStage(in.stagedName(), in.Environ, in.Now, in.LookupEnv)
	if err != nil {
		return plan, err
	}
	defer s.close()
	files := []Change{{Path: "config.json", New: content}}
	if in.Scheduler == SchedulerHostFactory {
		script, err := in.userData()
		if err != nil {
			return plan, err
		}
		files = append(files, Change{Path: userDataFile, New: script, Mode: scriptMode})
	}
	for _, f := range files {
		if err := s.put(f.Path, f.New); err != nil {
			return plan, err
		}
	}
	templates, err := in.templates(ctx, s)
	if err != nil {
		return plan, err
	}
	files = append(files, Change{Path: in.templatesFile(), New: templates})
	if err := s.put(in.templatesFile(), templates); err != nil {
		return plan, err
	}
	problems, err := s.check(ctx)
	if err == nil && len(problems) > 0 {
		err = ohfp.Errorf(ohfp.ErrInvalid, "%s", problems[0])
	}
	if err != nil {
		return plan, fmt.Errorf("the files would not work, nothing was written: %w", err)
	}
	if err := in.plan(&plan, files); err != nil {
		return plan, err
	}
	plan.Next = in.next()
	return plan, nil
}

// plan adds the files of the installation, the scripts and Host Factory's own files.
func (in *Init) plan(plan *Plan, files []Change) error {
	if err := in.others(); err != nil {
		return err
	}
	for _, f := range files {
		if f.Mode == 0 {
			f.Mode = confMode
		}
		if err := plan.Changes.Add(filepath.Join(in.ConfDir, f.Path), f.New, f.Mode); err != nil {
			return err
		}
		last := plan.Changes[len(plan.Changes)-1]
		if last.Old != nil && !last.Same() && !in.Force {
			return ohfp.Errorf(ohfp.ErrConflict, "%s is there already; use --force to replace it (a copy is kept), or another --config-dir", last.Path)
		}
	}
	if in.ScriptsDir != "" {
		if err := addScripts(&plan.Changes, in.ScriptsDir); err != nil {
			return err
		}
	}
	if in.HostFactory == "" {
		return nil
	}
	notes, err := in.registration().Plan(&plan.Changes)
	plan.Notes = append(plan.Notes, notes...)
	return err
}

// others looks for configuration that would be read beside the new one.
func (in *Init) others() error {
	for _, name := range append(directories.MainFiles(), directories.ProviderFiles()...) {
		path := filepath.Join(in.ConfDir, name)
		if _, err := os.Stat(path); name != "config.json" && !errors.Is(err, fs.ErrNotExist) {
			return ohfp.Errorf(ohfp.ErrConflict, "%s is there already and would be read, too; move it away, or use another --config-dir", path)
		}
	}
	return nil
}

func addScripts(changes *Changes, dir string) error {
	tree, err := hostfactory.Scripts()
	if err != nil {
		return err
	}
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		content, err := fs.ReadFile(tree, entry.Name())
		if err != nil {
			return err
		}
		if err := changes.Add(filepath.Join(dir, entry.Name()), content, scriptMode); err != nil {
			return err
		}
	}
	return nil
}

// templates are those of the provider's examples that are wanted.
func (in *Init) templates(ctx context.Context, s *stage) (content []byte, err error) {
	var documents []json.RawMessage
	err = s.with(ctx, func(a *app.App) error {
		examples, err := a.ExampleTemplates(ctx, in.Name, "")
		if err != nil {
			return err
		}
		known := make([]string, 0, len(examples))
		for _, t := range examples {
			known = append(known, string(t.ID))
		}
		for _, wanted := range in.Templates {
			i := slices.Index(known, wanted)
			if i < 0 {
				return ohfp.Errorf(ohfp.ErrInvalid, "template %q is no example; use some of %s", wanted, strings.Join(known, ", "))
			}
			document, err := app.TemplateDocument(examples[i])
			if err != nil {
				return err
			}
			documents = append(documents, document)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	content, err = render(map[string]any{"templates": documents}, "")
	return append(content, '\n'), err
}

// userData is the sample with what is known of the cluster filled in.
func (in *Init) userData() ([]byte, error) {
	script, err := hostfactory.UserData()
	if err != nil {
		return nil, err
	}
	env := directories.NewEnvironment(in.Environ)
	fill := func(name, value string) {
		if regexp.MustCompile(`^[0-9A-Za-z._/ -]+$`).MatchString(value) {
			line := regexp.MustCompile(`(?m)^` + name + `=\S*( *#.*)?$`)
			script = line.ReplaceAll(script, []byte(name+`="`+value+`"${1}`))
		}
	}
	fill("EGO_TOP", env["EGO_TOP"])
	if env["EGO_CONFDIR"] != "" {
		// Without the file the parameter stays to be set by hand.
		content, _ := os.ReadFile(filepath.Join(env["EGO_CONFDIR"], "ego.conf"))
		if found := regexp.MustCompile(`(?m)^EGO_MASTER_LIST="?([^"\n]*)"?`).FindSubmatch(content); found != nil {
			fill("EGO_MASTERS", strings.TrimSpace(string(found[1])))
		}
	}
	return script, nil
}

// next is what to do now.
func (in *Init) next() []string {
	if in.HostFactory != "" {
		return []string{
			"install the programs: install -D -t " + filepath.Join(filepath.Dir(in.ScriptsDir), "bin") + " $(command -v ohfp ohfp-hf)",
			"set the parameters at the head of " + filepath.Join(in.ConfDir, userDataFile) + ", and imageId to an image that has Symphony",
			"look at everything: HF_PROVIDER_NAME=" + in.Name + " HF_PROVIDER_CONFDIR=" + in.ConfDir + " HF_PROVIDER_WORKDIR=" + in.registration().WorkDir() +
				" HF_TOP=" + in.HostFactory + " ohfp doctor --format table",
			"start Host Factory anew: egosh service stop HostFactory; egosh service start HostFactory",
		}
	}
	usual := "OHFP_CONF_DIR=" + in.ConfDir + " "
	if found, err := directories.Find(directories.NewEnvironment(in.Environ), filepath.Dir(in.ConfDir), ""); err == nil && found.Conf == in.ConfDir {
		usual = ""
	}
	return []string{
		"look at everything: " + usual + "ohfp doctor --format table",
		"see the templates: " + usual + "ohfp templates list --format table",
		"ask for a machine: " + usual + "ohfp requests create --template-id " + in.Templates[0] + " --count 1 --wait",
	}
}
