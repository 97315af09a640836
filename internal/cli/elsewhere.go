package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
)

// elsewhere is another region or identity than a provider is configured for, for the time of one call.
type elsewhere struct{ region, profile string }

func (e *elsewhere) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&e.region, "region", "", "look in this `REGION` instead of the configured one, this time")
	cmd.Flags().StringVar(&e.profile, "profile", "", "with the credentials of this `PROFILE` instead of the configured one, this time")
}

func (e elsewhere) given() bool { return e.region != "" || e.profile != "" }

// in makes a configuration one of elsewhere: of the provider named or, without a name, of the only one that is enabled.
func (e elsewhere) in(cfg config.Config, name string) (config.Config, error) {
	if !e.given() {
		return cfg, nil
	}
	if name == "" {
		enabled := slices.DeleteFunc(slices.Clone(cfg.Providers), func(p config.Provider) bool { return !p.Enabled })
		if len(enabled) != 1 {
			return cfg, usageErrorf("--region and --profile are about one provider, and %d are enabled; name one where the command takes a name", len(enabled))
		}
		name = enabled[0].Name
	}
	cfg.Providers = slices.Clone(cfg.Providers)
	for i := range cfg.Providers {
		p := &cfg.Providers[i]
		if p.Name != name {
			continue
		}
		own := map[string]json.RawMessage{}
		if len(p.Config) > 0 {
			if err := json.Unmarshal(p.Config, &own); err != nil {
				return cfg, ohfp.Errorf(ohfp.ErrInvalid, "provider %s: its config is not an object: %w", name, err)
			}
		}
		for setting, value := range map[string]string{"region": e.region, "profile": e.profile} {
			if value != "" {
				own[setting], _ = json.Marshal(value) // text always encodes
			}
		}
		var err error
		p.Config, err = json.Marshal(own)
		return cfg, err
	}
	return cfg, unknownProvider(name)
}

// aroundIn is around for a command that may look elsewhere. What is learnt there is not remembered: it is true of another
// place than the one that is configured.
func (p *program) aroundIn(ctx context.Context, e elsewhere, name string, listing bool, do func(a *app.App) error) error {
	w := wish{Global: p.global, Console: true, Listing: listing, Apart: e.given()}
	cfg, err := p.config(w)
	if err != nil {
		return err
	}
	if cfg, err = e.in(cfg, name); err != nil {
		return err
	}
	a, _, err := p.openApp(ctx, cfg, w)
	if err != nil {
		return err
	}
	defer func() {
		if problem := a.Close(); problem != nil {
			p.complain(problem)
		}
	}()
	_, call := a.Telemetry.Begin(ctx, "cli", string(p.operation), "")
	err = do(a)
	call.End(err)
	return err
}

// among finds the one provider that is configured for a region and a profile. A request can go nowhere else: its machines
// could not be followed or ended there.
func (e elsewhere) among(p *program, name string) (string, error) {
	if !e.given() {
		return name, nil
	}
	cfg, err := p.config(wish{Global: p.global})
	if err != nil {
		return "", err
	}
	variable := cfg.LookupEnv(p.lookupEnv)
	usual := func(names ...string) string {
		for _, n := range names {
			if value, _ := variable(n); value != "" {
				return value
			}
		}
		return ""
	}
	var fitting, others []string
	for _, provider := range cfg.Providers {
		var own struct {
			Region  string `json:"region"`
			Profile string `json:"profile"`
		}
		if !provider.Enabled || len(provider.Config) > 0 && json.Unmarshal(provider.Config, &own) != nil {
			continue
		}
		region, profile := cmp.Or(own.Region, usual("AWS_REGION", "AWS_DEFAULT_REGION")), cmp.Or(own.Profile, usual("AWS_PROFILE"))
		others = append(others, provider.Name+" ("+strings.TrimSpace(region+" "+profile)+")")
		if (name == "" || name == provider.Name) && (e.region == "" || e.region == region) && (e.profile == "" || e.profile == profile) {
			fitting = append(fitting, provider.Name)
		}
	}
	asked := strings.TrimSpace(e.region + " " + e.profile)
	switch {
	case len(fitting) == 1:
		return fitting[0], nil
	case len(fitting) > 1:
		return "", usageErrorf("%s are all configured for %s; choose one with --provider", strings.Join(fitting, ", "), asked)
	case name != "":
		return "", ohfp.Errorf(ohfp.ErrInvalid, "provider %s is not configured for %s; enabled are: %s", name, asked, strings.Join(others, ", "))
	default:
		return "", ohfp.Errorf(ohfp.ErrInvalid, "no enabled provider is configured for %s; machines can only come from one that is: %s; see ohfp providers add",
			asked, strings.Join(others, ", "))
	}
}
