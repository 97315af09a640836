package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/capacity"
	"github.com/openhostfactory/ohfp/provider/aws/internal/catalog"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
	"github.com/openhostfactory/ohfp/provider/aws/internal/interrupt"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launch"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

// Provider is one account and region of AWS.
type Provider struct {
	name         string
	installation ohfp.InstallationID
	now          func() time.Time
	handlers     handlers
	defaults     strict.Object
	decoded      decoded
	prices       prices
	api          awsapi.API
	reader       instances.Reader
	parts        launch.Parts
	launchers    map[string]launch.Launcher
	keepers      []keeper
	pause        func(ctx context.Context, d time.Duration) error
	queue        interrupt.Queue
	listing      func() (context.Context, context.CancelFunc) // for what a listing asks of the memory
	ahead        func() (time.Duration, bool)                 // how far our clock is ahead of AWS's
	close        func()
}

var (
	_ provider.Factory       = Open
	_ provider.Provider      = (*Provider)(nil)
	_ provider.Attributer    = (*Provider)(nil)
	_ provider.Lister        = (*Provider)(nil)
	_ provider.Chooser       = (*Provider)(nil)
	_ provider.HealthChecker = (*Provider)(nil)
)

// Open reads the configuration. It neither calls AWS nor reads the SDK's files; the first call does.
func Open(ctx context.Context, config json.RawMessage, env provider.Environment) (provider.Provider, error) {
	return open(ctx, config, env, nil)
}

// Through returns a Factory like Open, whose calls take a way of their own: to a simulator in the same process, past
// something that writes them down or spoils them.
func Through(transport http.RoundTripper) provider.Factory {
	return func(ctx context.Context, config json.RawMessage, env provider.Environment) (provider.Provider, error) {
		return open(ctx, config, env, transport)
	}
}

func open(ctx context.Context, config json.RawMessage, env provider.Environment, transport http.RoundTripper) (provider.Provider, error) {
	s, err := parse(config)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider %s: config: %w", env.Name, err)
	}
	defaults, err := spec.Canonical(env.OwnDefaults())
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider %s: template_defaults: %w", env.Name, err)
	}
	connection := s.connection(env, transport)
	p := newProvider(env, s, s.api(env, connection.Clients))
	p.defaults = defaults
	lasting := context.WithoutCancel(ctx)
	p.listing = func() (context.Context, context.CancelFunc) { return context.WithTimeout(lasting, recallTimeout) }
	p.close, p.ahead = connection.Close, connection.Clock.Ahead
	return p, nil
}

// newProvider puts the parts together around a way to AWS.
func newProvider(env provider.Environment, s settings, api awsapi.API) *Provider {
	remembered := "aws/" + env.Name + "/"
	reader := instances.Reader{API: api, Provider: env.Name, Names: instances.NameRule(s.hostName)}
	parts := launch.Parts{
		API:          api,
		Catalog:      catalog.Catalog{API: api, Memory: env.Memory, Prefix: remembered},
		Board:        capacity.Board{Memory: env.Memory, Prefix: remembered},
		Reader:       reader,
		Memory:       env.Memory,
		Prefix:       remembered,
		Installation: env.Installation,
		Now:          env.Now,
		ConfDir:      env.ConfDir,
		LookupEnv:    env.LookupEnv,
		Native:       s.native,
	}
	fleets, spotFleets, groups := launch.EC2Fleet{Parts: parts}, launch.SpotFleet{Parts: parts}, launch.ASG{Parts: parts}
	return &Provider{
		name: env.Name, installation: env.Installation, now: env.Now, handlers: s.handlers, prices: s.prices,
		defaults: strict.Object{}, api: api, reader: reader, parts: parts, pause: pause, close: func() {},
		ahead: func() (time.Duration, bool) { return 0, false },
		queue: interrupt.Queue{API: api, Name: s.queue, Wait: pollWait(time.Duration(s.requestTimeout)), Log: env.Log},
		launchers: map[string]launch.Launcher{
			launch.APIRunInstances: launch.RunInstances{Parts: parts},
			launch.APIEC2Fleet:     fleets,
			launch.APISpotFleet:    spotFleets,
			launch.APIASG:          groups,
		},
		keepers: []keeper{
			{fleets, fleets, launch.FleetPrefix, launch.APIEC2Fleet},
			{spotFleets, spotFleets, launch.SpotFleetPrefix, launch.APISpotFleet},
			{groups, groups, launch.GroupPrefix, launch.APIASG},
		},
	}
}

// keeper looks after the resources of one launch API that launch by themselves.
type keeper struct {
	launch.Keeper
	launcher launch.Launcher
	prefix   string // of the names of its resources
	api      string
}

// keeps says whether a resource is of this kind.
func (k keeper) keeps(resource string) bool { return strings.HasPrefix(resource, k.prefix) }

// FieldGroup names what the AWS fields of a template have in common of which one replaces the other, as vmTypes replaces
// a default vmType.
func FieldGroup(field string) string { return spec.Group(field) }

// resolve decodes a template and picks the launch API that its machines come by.
func (p *Provider) resolve(t ohfp.Template) (s spec.Spec, api string, err error) {
	if s, err = p.decode(t); err != nil {
		return s, "", err
	}
	if err := s.Launchable(); err != nil {
		return s, "", err
	}
	if api, err = p.handlers.choose(t, s); err != nil {
		return s, "", err
	}
	return s, api, p.launchers[api].Check(s)
}

// Validate checks everything that can be checked without AWS.
func (p *Provider) Validate(ctx context.Context, t ohfp.Template) error {
	if err := p.check(ctx, t); err != nil {
		return invalid(t, err)
	}
	return nil
}

func (p *Provider) check(ctx context.Context, t ohfp.Template) error {
	s, api, err := p.resolve(t)
	if err != nil {
		return err
	}
	if _, err := p.parts.UserData(s); err != nil {
		return err
	}
	if err := p.checkPriceInfo(s); err != nil {
		return err
	}
	return p.parts.CheckDocuments(ctx, api, t, s)
}

// invalid names the template that an error is about.
func invalid(t ohfp.Template, err error) error {
	return ohfp.Errorf(ohfp.ErrInvalid, "template %s: %w", t.ID, err)
}

// Prepare resolves an ask into the exact call.
func (p *Provider) Prepare(ctx context.Context, ask provider.Ask) (ohfp.Order, error) {
	s, api, err := p.resolve(ask.Template)
	if err != nil {
		return ohfp.Order{}, invalid(ask.Template, err)
	}
	if ask.Count < 1 {
		return ohfp.Order{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s: an order is for 1 machine or more, not %d", ask.Template.ID, ask.Count)
	}
	// A missing region is told of while nothing is at stake yet.
	if _, err := p.api.Connect(ctx); err != nil {
		return ohfp.Order{}, err
	}
	// The estimate comes first: limits are checked with it even when the cloud's rate puts the launch off.
	var estimate ohfp.Estimate
	if ask.Attempt == 1 {
		estimate = p.estimate(ctx, ask, s)
	}
	if s.Image, err = p.parts.Catalog.Image(ctx, ask.Request, s.Image); err != nil {
		return ohfp.Order{Estimate: estimate}, fmt.Errorf("template %s: %w", ask.Template.ID, err)
	}
	order, err := p.launchers[api].Prepare(ctx, launch.Ask{Ask: ask, Spec: s, Units: s.Units(ask.Template)})
	order.Estimate = estimate
	return order, err
}

// Launch carries out an order.
func (p *Provider) Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
	launcher, ok := p.launchers[order.API]
	if !ok {
		return provider.Launched{}, ohfp.Errorf(ohfp.ErrInvalid, "provider %s cannot launch by %q", p.name, order.API)
	}
	if _, err := p.api.Connect(ctx); err != nil {
		// The order may have been carried out by an earlier process: a broken configuration says nothing about that.
		return provider.Launched{}, ohfp.Errorf(ohfp.ErrUnavailable, "%v", err)
	}
	return launcher.Launch(ctx, order)
}

// Retire removes what an order has made.
func (p *Provider) Retire(ctx context.Context, resource string) error {
	for _, k := range p.keepers {
		if k.keeps(resource) {
			err := k.launcher.Retire(ctx, resource)
			if err == nil {
				p.parts.Forget(ctx, resource)
			}
			return err
		}
	}
	return p.launchers[launch.APIRunInstances].Retire(ctx, resource)
}

// Health says whose credentials are in use.
func (p *Provider) Health(ctx context.Context) (string, error) {
	clients, err := p.api.Connect(ctx)
	if err != nil {
		return "", err
	}
	who, err := p.api.GetCallerIdentity(ctx)
	if err != nil {
		return "", err
	}
	return text(who.Arn) + " in " + clients.Region, nil
}

// Close gives the connections back.
func (p *Provider) Close() error {
	p.close()
	return nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
