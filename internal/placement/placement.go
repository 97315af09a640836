// Package placement chooses the provider instance that a request goes to, and says why.
// It refuses to launch anything and to know what a provider is made of.
package placement

import (
	"cmp"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// Instance is a configured provider as placement sees it.
type Instance struct {
	Name     string
	Type     string // for example aws
	Priority int    // lower comes first
	Weight   int    // its share where a policy divides requests
}

// Choice is where a request goes, and why, in words for people.
type Choice struct {
	Provider string
	Reason   string
}

// Policy chooses among the enabled instances: the one that the template names, else the default, else the first by
// priority and then by the order of the configuration, of the type that the template names.
type Policy struct {
	Instances []Instance
	Default   string
	Name      string   // how Rank chooses when neither template nor default does, FirstAvailable when it is empty
	Fallback  []string // which instances Rank adds, in this order
}

// Choose returns the instance for a template.
func (p Policy) Choose(t ohfp.Template) (Choice, error) {
	if t.ProviderName != "" {
		for _, i := range p.Instances {
			if i.Name == t.ProviderName {
				return Choice{Provider: i.Name, Reason: "the template names it"}, nil
			}
		}
		return Choice{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s names provider %s, which is not configured; use one of: %s", t.ID, t.ProviderName, p.names())
	}
	fitting := slices.DeleteFunc(slices.Clone(p.Instances), func(i Instance) bool {
		return t.ProviderType != "" && i.Type != t.ProviderType
	})
	slices.SortStableFunc(fitting, func(a, b Instance) int { return cmp.Compare(a.Priority, b.Priority) })
	for _, i := range fitting {
		if i.Name == p.Default {
			return Choice{Provider: i.Name, Reason: "it is the default provider"}, nil
		}
	}
	switch {
	case len(fitting) == 1:
		return Choice{Provider: fitting[0].Name, Reason: "it is the only provider that fits"}, nil
	case len(fitting) > 1:
		return Choice{Provider: fitting[0].Name, Reason: "it comes first by priority and order"}, nil
	case t.ProviderType != "":
		return Choice{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s asks for a provider of type %s and none is enabled; configured are: %s", t.ID, t.ProviderType, p.names())
	default:
		return Choice{}, ohfp.Errorf(ohfp.ErrInvalid, "no provider is enabled; add one to the configuration")
	}
}

func (p Policy) names() string {
	if len(p.Instances) == 0 {
		return "none"
	}
	names := make([]string, len(p.Instances))
	for i, instance := range p.Instances {
		names[i] = instance.Name
	}
	return strings.Join(names, ", ")
}
