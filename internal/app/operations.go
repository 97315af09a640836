package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/templates"
	"github.com/openhostfactory/ohfp/provider"
)

// About is what an operation of a provider is asked about.
type About struct {
	TemplateID ohfp.TemplateID  `json:"templateId,omitempty"`
	Template   json.RawMessage  `json:"template,omitempty"` // as a template file has it, in the place of TemplateID
	MachineIDs []ohfp.MachineID `json:"machineIds,omitempty"`
	Features   []string         `json:"features,omitempty"` // of the policy; none stands for all
}

// ParseAbout reads what an operation is asked about. Members that no operation has are refused.
func ParseAbout(text []byte) (About, error) {
	var about About
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&about)
	if err == nil {
		if _, after := decoder.Token(); !errors.Is(after, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return about, ohfp.Errorf(ohfp.ErrInvalid, "the data of an operation is an object with templateId, template, machineIds or features: %w", err)
	}
	return about, nil
}

// Subject is what an operation can be asked about.
type Subject string

// The subjects.
const (
	AboutNothing  Subject = ""
	AboutTemplate Subject = "template"
	AboutMachines Subject = "machines"
	AboutFeatures Subject = "features"
)

// Operation is something that a provider can be asked to tell. None changes anything in the cloud.
type Operation struct {
	Name    string
	Subject Subject
	Tells   string // what, in words for people
	ask     func(ctx context.Context, a *App, name string, about About) (any, error)
}

// Operations lists what providers can be asked to tell, by name.
func Operations() []Operation {
	return []Operation{
		{"attributes", AboutTemplate, "the Host Factory attributes of a template's machines", withTemplate(attributesOf)},
		{"describe-machines", AboutMachines, "machines of this installation as the cloud shows them now", describeMachines},
		{"discover", AboutNothing, "what the account has that templates may refer to", func(ctx context.Context, a *App, name string, _ About) (any, error) {
			return a.Discover(ctx, name)
		}},
		{"examine", AboutNothing, "what stands between the account and the templates, as ohfp doctor does", func(ctx context.Context, a *App, name string, _ About) (any, error) {
			return a.Examine(ctx, name)
		}},
		{"health", AboutNothing, "who the provider is to the cloud", func(ctx context.Context, a *App, name string, _ About) (any, error) {
			identity, err := a.Health(ctx, name)
			return map[string]string{"identity": identity}, err
		}},
		{"list-machines", AboutNothing, "all machines that the cloud has of this installation", describeMachines},
		{"missing", AboutTemplate, "what a template refers to and the cloud does not have", withTemplate(func(ctx context.Context, a *App, _ string, t ohfp.Template) (any, error) {
			missing, err := a.MissingOf(ctx, t)
			return append([]provider.Resource{}, missing...), err
		})},
		{"policy", AboutFeatures, "the least policy that the provider needs", func(ctx context.Context, a *App, name string, about About) (any, error) {
			policy, err := a.Policy(ctx, name, about.Features)
			return json.RawMessage(policy), err
		}},
		{"prices", AboutTemplate, "what the machines of a template cost an hour, by type and zone", withTemplate(pricesOf)},
		{"references", AboutTemplate, "what a template refers to", withTemplate(func(ctx context.Context, a *App, name string, t ohfp.Template) (any, error) {
			found, err := a.references(ctx, name, t)
			return append([]provider.Resource{}, found...), err
		})},
		{"validate-template", AboutTemplate, "whether the provider takes a template, with its defaults", withTemplate(func(_ context.Context, _ *App, _ string, t ohfp.Template) (any, error) {
			return map[string]any{"templateId": t.ID, "valid": true}, nil // it was checked on the way here
		})},
	}
}

// FindOperation returns the operation of a name, however its words are joined.
func FindOperation(name string) (Operation, bool) {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	list := Operations()
	i := slices.IndexFunc(list, func(o Operation) bool { return o.Name == name })
	if i < 0 {
		return Operation{}, false
	}
	return list[i], true
}

// OperationNames lists the names of the operations.
func OperationNames() []string {
	var names []string
	for _, o := range Operations() {
		names = append(names, o.Name)
	}
	return names
}

// Operate asks a provider instance to tell something. It needs the store, so it fails on an App that was opened for listing
// only.
func (a *App) Operate(ctx context.Context, name, operation string, about About) (any, error) {
	if a.Commands == nil {
		return nil, errors.New("operations need the store, which was left closed")
	}
	o, ok := FindOperation(operation)
	if !ok {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "operation %q does not exist; use one of %s", operation, strings.Join(OperationNames(), ", "))
	}
	if _, ok := a.Config.Provider(name); !ok {
		return nil, ohfp.Errorf(ohfp.ErrNotFound, "provider %s does not exist; see ohfp providers list", name)
	}
	for what, given := range map[Subject]bool{
		AboutTemplate: about.TemplateID != "" || len(about.Template) > 0, AboutMachines: len(about.MachineIDs) > 0,
		AboutFeatures: len(about.Features) > 0,
	} {
		if given && what != o.Subject {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "operation %s takes no %s; leave it out", o.Name, what)
		}
	}
	if o.Subject == AboutMachines && len(about.MachineIDs) == 0 {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "operation %s needs the ids of machines; list-machines tells of all", o.Name)
	}
	result, err := o.ask(ctx, a, name, about)
	if err != nil {
		return nil, fmt.Errorf("%s of provider %s: %w", o.Name, name, err)
	}
	return result, nil
}

// withTemplate makes an operation about a template of one about whatever provider takes the template: it is completed with
// the defaults of the provider that is asked, and checked by it.
func withTemplate(ask func(ctx context.Context, a *App, name string, t ohfp.Template) (any, error)) func(context.Context, *App, string, About) (any, error) {
	return func(ctx context.Context, a *App, name string, about About) (any, error) {
		t, err := a.templateAbout(ctx, about)
		if err != nil {
			return nil, err
		}
		if t.ProviderName != "" && t.ProviderName != name {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "template %s names provider %s; ask that one", t.ID, t.ProviderName)
		}
		t.ProviderName = name
		if t, err = a.CheckTemplate(ctx, t); err != nil {
			return nil, err
		}
		return ask(ctx, a, name, t)
	}
}

func (a *App) templateAbout(ctx context.Context, about About) (ohfp.Template, error) {
	switch {
	case about.TemplateID != "" && len(about.Template) > 0:
		return ohfp.Template{}, ohfp.Errorf(ohfp.ErrInvalid, "give templateId or template, not both")
	case about.TemplateID != "":
		list, err := a.WrittenTemplates(ctx, about.TemplateID)
		if err != nil {
			return ohfp.Template{}, err
		}
		return list[0].Template, nil
	case len(about.Template) > 0:
		list, problems, err := templates.Parse("the template", about.Template)
		switch {
		case err != nil:
			return ohfp.Template{}, err
		case len(problems) > 0:
			return ohfp.Template{}, ohfp.Errorf(ohfp.ErrInvalid, "%s", problems[0])
		case len(list) != 1:
			return ohfp.Template{}, ohfp.Errorf(ohfp.ErrInvalid, "the data holds %d templates; give one", len(list))
		}
		return list[0].Template, nil
	default:
		return ohfp.Template{}, ohfp.Errorf(ohfp.ErrInvalid, "which template? give its templateId, or the template itself as template")
	}
}

func attributesOf(ctx context.Context, a *App, name string, t ohfp.Template) (any, error) {
	knows, err := capable[provider.Attributer](ctx, a, name, "tell the attributes of machine types")
	if err != nil {
		return nil, err
	}
	found, err := knows.Attributes(t)
	if err != nil {
		return nil, err
	}
	maps.Copy(found, t.Attributes) // the operator's own win
	return found, nil
}

func pricesOf(ctx context.Context, a *App, name string, t ohfp.Template) (any, error) {
	pricer, err := capable[provider.Pricer](ctx, a, name, "tell prices")
	if err != nil {
		return nil, err
	}
	prices, err := pricer.Prices(ctx, t)
	return append([]provider.Price{}, prices...), err
}

// describeMachines reads machines by the tag of this installation: those of others are none of its business.
func describeMachines(ctx context.Context, a *App, name string, about About) (any, error) {
	p, err := a.catalog.providers.Provider(ctx, name)
	if err != nil {
		return nil, err
	}
	found, err := p.Owned(ctx, provider.OwnedFilter{Machines: about.MachineIDs})
	if err != nil {
		return nil, err
	}
	return append([]ohfp.Machine{}, found.Machines...), nil
}
