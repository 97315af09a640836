// Package launch turns asks for machines into exact calls and carries them out: a strategy per launch API on shared
// parts.
// It refuses to decide when something is launched, or again; an order is carried out as it was written down.
package launch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/capacity"
	"github.com/openhostfactory/ohfp/provider/aws/internal/catalog"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
	"github.com/openhostfactory/ohfp/provider/aws/internal/native"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// Launcher is the strategy of one launch API.
type Launcher interface {
	// Check refuses, by name, what a template wants and the API cannot do.
	Check(s spec.Spec) error
	// Prepare resolves an ask into the exact call; it changes nothing.
	Prepare(ctx context.Context, ask Ask) (ohfp.Order, error)
	// Launch carries out an order, the same order any number of times.
	Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error)
	// Retire removes what an order has made, once its machines are gone.
	Retire(ctx context.Context, resource string) error
}

// The launch APIs, as templates name them.
const (
	APIRunInstances = "RunInstances"
	APIEC2Fleet     = "EC2Fleet"
	APISpotFleet    = "SpotFleet"
	APIASG          = "ASG"
)

// Ask is an ask with its template's fields decoded.
type Ask struct {
	provider.Ask
	Spec  spec.Spec
	Units bool // the count means units, not machines
	Both  bool // the template has another way to pay, for what this order leaves unfilled
}

// Parts is what the strategies share.
type Parts struct {
	API          awsapi.API
	Catalog      catalog.Catalog
	Board        capacity.Board
	Reader       instances.Reader
	Memory       provider.Memory
	Prefix       string // of the keys in Memory
	Installation ohfp.InstallationID
	Now          func() time.Time
	ConfDir      string
	LookupEnv    func(key string) (string, bool)
	Native       native.Settings
}

// call is what an order stores: the input of the API as it is sent, and what is needed to read the answer.
type call struct {
	Request        ohfp.RequestID                           `json:"request"`
	Attempt        int                                      `json:"attempt"`
	LaunchTemplate *ec2.CreateLaunchTemplateInput           `json:"launchTemplate,omitempty"` // made when EC2 does not know it
	RunInstances   *ec2.RunInstancesInput                   `json:"runInstances,omitempty"`
	CreateFleet    *ec2.CreateFleetInput                    `json:"createFleet,omitempty"`
	SpotFleet      *ec2.RequestSpotFleetInput               `json:"requestSpotFleet,omitempty"`
	Group          *autoscaling.CreateAutoScalingGroupInput `json:"createAutoScalingGroup,omitempty"`
	Offerings      []capacity.Offering                      `json:"offerings,omitempty"` // what the template allows, this order's first
	Weights        map[string]int                           `json:"weights,omitempty"`   // units by machine type, where they count
	Image          string                                   `json:"image,omitempty"`
	More           bool                                     `json:"more,omitempty"` // what is missing can be asked for on demand
}

// decode reads the call of an order.
func decode(order ohfp.Order) (call, error) {
	var c call
	if err := json.Unmarshal(order.Call, &c); err != nil {
		return call{}, ohfp.Errorf(ohfp.ErrInvalid, "the stored call of an order for %s cannot be read: %w", order.API, err)
	}
	return c, nil
}

// order stores a call with all that is needed to make it again.
func order(api, token string, count int, offering string, c call) (ohfp.Order, error) {
	stored, err := awsapi.Encode(c)
	if err != nil {
		return ohfp.Order{}, err
	}
	return ohfp.Order{
		API: api, Token: token, Count: count, Offering: offering, Retires: c.RunInstances == nil, Call: stored,
	}, nil
}

// token is the idempotency token of an attempt: EC2 takes up to 64 ASCII characters.
func (p Parts) token(ask Ask) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n0", p.Installation, ask.Request, ask.Attempt))
	return hex.EncodeToString(sum[:])
}

func (p Parts) owner(ask Ask) instances.Owner {
	return instances.Owner{Installation: p.Installation, Template: ask.Template.ID, Request: ask.Request, Attempt: ask.Attempt}
}

// lasting completes the order of a resource that launches by itself until it has what is wanted; one that keeps that also
// replaces what it loses.
func (a Ask) lasting(o ohfp.Order, wanted ohfp.Target, keeps bool) ohfp.Order {
	o.Async, o.Keeps, o.Target = true, keeps, wanted
	o.Lasts, o.Yields = a.lasts(o.API), a.yields(o.API)
	return o
}

// weights are the units by machine type, nil where a request counts machines. More than a machine's tags can tell are
// refused.
func (a Ask) weights() (map[string]int, error) {
	if !a.Units || a.Spec.Requirements != nil {
		return nil, nil
	}
	weights := make(map[string]int, len(a.Spec.Types))
	for _, t := range a.Spec.Types {
		weights[t.Name] = t.Weight
	}
	return weights, instances.CheckWeights(weights)
}

// offerings lists what a template allows, in the order in which it is tried: types, then subnets. Zones are asked for
// only where there are several subnets to choose from.
func (p Parts) offerings(ctx context.Context, s spec.Spec) ([]capacity.Offering, error) {
	zones := map[string]string{}
	if len(s.Subnets) > 1 {
		var err error
		if zones, err = p.Catalog.Zones(ctx, s.Subnets); err != nil {
			return nil, err
		}
	}
	machineTypes, subnets := s.Types, s.Subnets
	if len(machineTypes) == 0 {
		machineTypes = []spec.Type{{Weight: 1}}
	}
	if len(subnets) == 0 {
		subnets = []string{""}
	}
	offerings := make([]capacity.Offering, 0, len(machineTypes)*len(subnets))
	needs, err := needs(s)
	if err != nil {
		return nil, err
	}
	for _, t := range machineTypes {
		for _, subnet := range subnets {
			o := capacity.Offering{Type: t.Name, Needs: needs, Subnet: subnet, Zone: zones[subnet], Lifecycle: lifecycle(s)}
			if o.Lifecycle != ohfp.OnDemand {
				o.MaxPrice = string(s.MaxPrice)
			}
			offerings = append(offerings, o)
		}
	}
	return offerings, nil
}

// needs is a digest of the requirements that EC2 picks machine types by, empty where the template names the types.
func needs(s spec.Spec) (string, error) {
	if s.Requirements == nil {
		return "", nil
	}
	content, err := awsapi.Encode(s.Requirements)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:4]), nil
}

// recall finds the machines of an attempt whose answer EC2 will not give again.
func (p Parts) recall(ctx context.Context, c call) ([]ohfp.Machine, error) {
	return p.Reader.Find(ctx,
		instances.Tagged(instances.TagInstallation, string(p.Installation)),
		instances.Tagged(instances.TagRequest, string(c.Request)),
		instances.Tagged(instances.TagAttempt, attemptTag(c)))
}

func attemptTag(c call) string { return strconv.Itoa(c.Attempt) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// spent turns EC2's refusal of a token that was used before into the outcome of that use.
func (p Parts) spent(ctx context.Context, c call, refusal error) (provider.Launched, error) {
	machines, err := p.recall(ctx, c)
	switch {
	case err != nil:
		return provider.Launched{}, ohfp.Errorf(ohfp.ErrUnavailable, "the launch was carried out before, but its machines cannot be read: %v", err)
	case len(machines) > 0:
		return provider.Launched{Resource: machines[0].Resource, Machines: machines}, nil
	case awsapi.Code(refusal) == codeTerminated:
		// So long ago that EC2 no longer shows them.
		return provider.Launched{Failures: []ohfp.Failure{failure(refusal, "")}},
			ohfp.Errorf(ohfp.ErrCapacity, "the machines of this launch are gone: %v", refusal)
	default:
		return provider.Launched{}, ohfp.Errorf(ohfp.ErrUnavailable, "the launch was carried out before, but its machines do not show yet: %v", refusal)
	}
}

// What EC2 says to a token that was used before, with other parameters or for instances that have ended since.
const (
	codeMismatch   = "IdempotentParameterMismatch"
	codeTerminated = "IdempotentInstanceTerminated"
)

// isSpent says whether a launch was refused because its token has launched already.
func isSpent(err error) bool {
	var cloud *ohfp.CloudError
	return errors.As(err, &cloud) && (cloud.Code == codeMismatch || cloud.Code == codeTerminated) &&
		cloud.Operation != "CreateLaunchTemplate"
}

// failure is a refusal as attempts record it.
func failure(err error, offering string) ohfp.Failure {
	f := ohfp.Failure{Message: err.Error(), Offering: offering}
	var cloud *ohfp.CloudError
	if errors.As(err, &cloud) {
		f.Code, f.Message, f.RequestID = cloud.Code, cloud.Message, cloud.RequestID
	}
	return f
}

// tagAll puts the same tags on several kinds of resources.
func tagAll(tags []types.Tag, kinds ...types.ResourceType) []types.TagSpecification {
	specifications := make([]types.TagSpecification, len(kinds))
	for i, kind := range kinds {
		specifications[i] = types.TagSpecification{ResourceType: kind, Tags: tags}
	}
	return specifications
}

// isARN says whether text is an ARN, of whatever partition.
func isARN(text string) bool { return strings.HasPrefix(text, "arn:") }
