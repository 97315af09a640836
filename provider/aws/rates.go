package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

// rates are EC2's limits where an account has others than the default ones, by operation: RunInstances, or
// RunInstances:machines for the bucket that machines are taken from.
type rates map[string]awsapi.Limit

// UnmarshalJSON reads {"RunInstances:machines": {"burst": 2000, "per_second": 5}}.
func (r *rates) UnmarshalJSON(data []byte) error {
	fields, err := strict.Parse(data)
	if err != nil {
		return err
	}
	*r = rates{}
	for name, value := range fields {
		var limit rate
		if err := json.Unmarshal(value, &limit); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !awsapi.HasLimit(name) {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s has no limit that is known; name an operation of EC2, as RunInstances, or "+
				"RunInstances:machines or TerminateInstances:machines", name)
		}
		(*r)[name] = awsapi.Limit(limit)
	}
	return nil
}

type rate awsapi.Limit

// UnmarshalJSON reads {"burst": 2000, "per_second": 5}.
func (r *rate) UnmarshalJSON(data []byte) error {
	fields, err := strict.Parse(data)
	if err != nil {
		return err
	}
	if err := fields.Decode(map[string]any{"burst": &r.Burst, "per_second": &r.PerSecond}); err != nil {
		return err
	}
	if r.Burst < 1 || r.PerSecond <= 0 {
		return ohfp.Errorf(ohfp.ErrInvalid, "a limit needs burst, 1 or more, and per_second, more than 0")
	}
	return nil
}

// api is the way to AWS: one retry layer and, unless the operator wants none, one pacer on it.
func (s settings) api(env provider.Environment, connect func(context.Context) (awsapi.Clients, error)) awsapi.API {
	api := awsapi.API{Connect: connect, Called: env.Called, Now: env.Now, Retry: &awsapi.Retry{Now: env.Now, Sleep: awsapi.Sleep}}
	if s.maxRetries != nil {
		api.Retry.Tries = *s.maxRetries + 1
	}
	if !env.Unpaced {
		api.Pacer = &awsapi.Pacer{
			Memory: env.Memory, Prefix: "aws-rate/" + s.account() + "/", Limits: s.rates, Now: env.Now, Sleep: awsapi.Sleep, Log: env.Log,
		}
	}
	return api
}

// account tells accounts apart without asking AWS: by a role's ARN, which names one, or by what the credentials come from.
// Provider instances that reach one account in different ways do not know of each other's calls; they learn by being
// refused.
func (s settings) account() string {
	if parts := strings.Split(s.roleARN, ":"); len(parts) > 4 && parts[4] != "" {
		return parts[4]
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", s.endpoint, s.profile, s.credentialFile))
	return hex.EncodeToString(sum[:4])
}
