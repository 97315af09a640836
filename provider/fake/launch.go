package fake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

const (
	// fullFor is how long an offering without room is passed over.
	fullFor = 3 * time.Minute
	// fullPrefix is where the memory keeps offerings without room.
	fullPrefix = "fake/full/"
)

// call is what an order sends.
type call struct {
	Installation ohfp.InstallationID `json:"installation"`
	Request      ohfp.RequestID      `json:"request"`
	Template     ohfp.TemplateID     `json:"template"`
	API          string              `json:"api"`
	Count        int                 `json:"count"`
	Offerings    []offering          `json:"offerings"`        // asked for, the first one first
	Others       []string            `json:"others,omitempty"` // of the template, but not asked for
	Target       ohfp.Target         `json:"target,omitzero"`  // of a group or request
	Spot         bool                `json:"spot,omitempty"`   // its machines are spot machines
}

// Prepare chooses the offerings and writes the call down.
func (p *Provider) Prepare(ctx context.Context, ask provider.Ask) (ohfp.Order, error) {
	s, err := decodeSpec(ask.Template)
	if err != nil {
		return ohfp.Order{}, err
	}
	if ask.Count < 1 {
		return ohfp.Order{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s launches 1 machine or more, not %d", ask.Template.ID, ask.Count)
	}
	if err := p.begin(ctx, OpPrepare); err != nil {
		return ohfp.Order{}, err
	}
	estimate := s.estimate(ask.Template.CapacityUnit, ask.Count)
	api := s.api(ask.Template)
	if ask.Fallback && s.Fallback != "" {
		s, api = spec{Type: s.Fallback, Zones: s.Zones}, APIInstances
	}
	full := p.full(ctx)
	all := s.offerings(ask.Template.CapacityUnit)
	open := slices.DeleteFunc(slices.Clone(all), func(o offering) bool { return full[o.String()] })
	if len(open) == 0 {
		open = all
	}
	c := call{
		Installation: p.env.Installation, Request: ask.Request, Template: ask.Template.ID,
		API: api, Count: ask.Count, Offerings: open, Spot: s.Fallback != "",
	}
	order := ohfp.Order{API: c.API, Count: ask.Count, Retires: c.API != APIInstances, Estimate: estimate}
	switch c.API {
	case APIInstances:
		c.Offerings = open[:1]
	case APIGroup, APIRequest:
		c.Offerings = all // it waits for room by itself
		c.Target = ohfp.Target{OnDemand: ask.Count}
		if c.Spot {
			c.Target, order.Yields = ohfp.Target{Spot: ask.Count}, YieldsAfter
		}
		order.Async, order.Keeps, order.Target = true, c.API == APIGroup, c.Target
	}
	for _, o := range all {
		if !slices.Contains(c.Offerings, o) {
			c.Others = append(c.Others, o.String())
		}
	}
	body, err := json.Marshal(c)
	if err != nil {
		return ohfp.Order{}, fmt.Errorf("writing down the call for request %s: %w", ask.Request, err)
	}
	order.Token, order.Offering, order.Call = p.token(ask, c), strings.Join(c.names(), ", "), body
	return order, nil
}

// token depends on everything that makes the ask what it is, and on nothing else, so that two processes that prepare
// the same ask launch once.
func (p *Provider) token(ask provider.Ask, c call) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%s", p.env.Installation, ask.Request, ask.Attempt, c.API))
	return hex.EncodeToString(sum[:16])
}

func (c call) names() []string {
	names := make([]string, len(c.Offerings))
	for i, o := range c.Offerings {
		names[i] = o.String()
	}
	return names
}

// Launch carries out an order, once for each token.
func (p *Provider) Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
	var c call
	if err := json.Unmarshal(order.Call, &c); err != nil {
		return provider.Launched{}, ohfp.Errorf(ohfp.ErrInvalid, "order %s has a call that cannot be read: %w; prepare it again", order.Token, err)
	}
	if err := p.begin(ctx, OpLaunch); err != nil {
		return provider.Launched{}, err
	}
	launched, err := p.cloud.launch(p.env.Name, order, c)
	if err != nil {
		return provider.Launched{}, err
	}
	if len(launched.Failures) > 0 {
		full := p.full(ctx)
		for _, f := range launched.Failures {
			full[f.Offering] = true
			// What was launched counts, whether or not it can be remembered what was not.
			_ = p.env.Memory.Remember(ctx, fullPrefix+f.Offering, []byte{1}, fullFor)
		}
		launched.Exhausted = !slices.ContainsFunc(append(c.names(), c.Others...), func(name string) bool { return !full[name] })
	}
	if len(launched.Machines) == 0 && !order.Async {
		first := launched.Failures[0]
		return launched, &ohfp.CloudError{
			Kind: ohfp.ErrCapacity, Operation: string(OpLaunch), Code: first.Code, Message: first.Offering + ": " + first.Message,
		}
	}
	return launched, nil
}

// full recalls which offerings have no room. A memory that fails is an empty one: that costs calls, never correctness.
func (p *Provider) full(ctx context.Context) map[string]bool {
	full := map[string]bool{}
	entries, err := p.env.Memory.RecallPrefix(ctx, fullPrefix)
	if err != nil {
		return full
	}
	for key := range entries {
		full[strings.TrimPrefix(key, fullPrefix)] = true
	}
	return full
}

// launch carries out a call or repeats what its token brought. A call that brought nothing is not kept, so that it may
// be tried again.
func (c *Cloud) launch(name string, order ohfp.Order, ask call) (provider.Launched, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	body, err := json.Marshal(ask)
	if err != nil {
		return provider.Launched{}, fmt.Errorf("reading the call of order %s: %w", order.Token, err)
	}
	given, repeated := c.answers[order.Token]
	switch {
	case repeated && given.call != string(body):
		return provider.Launched{}, &ohfp.CloudError{
			Kind: ohfp.ErrInvalid, Operation: string(OpLaunch), Code: "IdempotentParameterMismatch",
			Message: "token " + order.Token + " was used with another call",
		}
	case !repeated:
		given = c.carryOut(ask)
		given.call = string(body)
		if len(given.machines) > 0 || order.Async {
			c.answers[order.Token] = given
		}
	}
	if c.dropped(OpLaunch) {
		return provider.Launched{}, Unavailable(OpLaunch)
	}
	launched := provider.Launched{Resource: given.resource, Failures: slices.Clone(given.failures)}
	for _, id := range given.machines {
		launched.Machines = append(launched.Machines, c.show(c.machines[id], name))
	}
	return launched, nil
}

// carryOut launches machines, offering by offering, until the count is reached or no room is left.
func (c *Cloud) carryOut(ask call) answer {
	c.serial++
	var a answer
	switch ask.API {
	case APIGroup, APIRequest:
		return answer{resource: c.addGroup(ask).id}
	case APIFleet:
		a.resource = fmt.Sprintf("fleet-%08d", c.serial)
	default:
		a.resource = fmt.Sprintf("res-%08d", c.serial)
	}
	missing := ask.Count
	for _, o := range ask.Offerings {
		for missing > 0 && !c.full(o.String()) {
			m := c.add(ask.Installation, o, ohfp.Machine{Request: ask.Request, Template: ask.Template, Resource: a.resource})
			a.machines = append(a.machines, m.ID)
			missing -= o.Weight
		}
		if missing > 0 {
			a.failures = append(a.failures, noRoom(o))
		}
	}
	if len(a.machines) > 0 && ask.API == APIFleet {
		c.fleets[a.resource] = true
	}
	return a
}
