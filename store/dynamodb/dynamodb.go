package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// DefaultPrefix is what the names of tables start with unless told otherwise.
const DefaultPrefix = "hostfactory"

// Options say where a store is.
type Options struct {
	Prefix   string // of the table's name; empty is [DefaultPrefix]
	Region   string // empty: AWS_REGION, the profile
	Profile  string // of the shared AWS configuration; empty: the SDK's usual chain of credentials
	Endpoint string // of another server than AWS's, with scheme; empty: AWS_ENDPOINT_URL_DYNAMODB, AWS's own
	Now      store.Now
	// LookupEnv is the environment. Nil is an empty one.
	LookupEnv func(key string) (string, bool)
	// API is used instead of AWS's, for tests. With it, Region, Profile and Endpoint mean nothing.
	API API
}

// Store is an open store, or a view of one under leases. Its methods may be called by many goroutines at once.
type Store struct {
	*core
	fences []store.Lease // that must be held when it writes
	lent   bool          // another closes it
}

// core is what a store and its views share.
type core struct {
	table  table
	now    store.Now
	writer chan struct{} // held by the one goroutine of this process that commits: in here waiting is fair and costs no calls

	// What this process knows about the log. Both only grow, and may lag behind.
	newest  atomic.Int64 // the newest commit
	applied atomic.Int64 // all up to this one are applied

	close func()
}

var _ store.Store = (*Store)(nil)

// Open makes no call: the table is made, if it is missing, when the store is first used.
func Open(o Options) (*Store, error) {
	prefix := o.Prefix
	if prefix == "" {
		prefix = DefaultPrefix
	}
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	s := &Store{core: &core{now: o.Now, writer: make(chan struct{}, 1), close: func() {}}}
	s.table.name = prefix + tableSuffix
	if o.API != nil {
		s.table.connect = func(context.Context) (API, error) { return o.API, nil }
		return s, nil
	}
	c := &connection{options: o}
	s.table.connect, s.close = c.client, sync.OnceFunc(c.close)
	return s, nil
}

const tableSuffix = "-records"

// checkPrefix refuses what DynamoDB would: names of tables have 3 to 255 of a-z, A-Z, 0-9, hyphen, dot and underscore.
func checkPrefix(prefix string) error {
	for _, c := range []byte(prefix) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return ohfp.Errorf(ohfp.ErrInvalid, "table prefix %q has a character that DynamoDB refuses; use a-z, A-Z, 0-9, hyphen, dot and underscore", prefix)
		}
	}
	if most := 255 - len(tableSuffix); len(prefix) > most {
		return ohfp.Errorf(ohfp.ErrInvalid, "table prefix %.20s… has %d characters; use %d at most", prefix, len(prefix), most)
	}
	return nil
}

// Close releases the store. It may be called twice.
func (s *Store) Close() error {
	if !s.lent {
		s.close()
	}
	return nil
}

// Installation implements [store.Store].
func (s *Store) Installation(ctx context.Context, suggested ohfp.InstallationID) (ohfp.InstallationID, error) {
	k := key{"meta", "installation"}
	for {
		found, err := s.table.get(ctx, k)
		switch {
		case err != nil:
			return "", s.fault(err)
		case found != nil:
			return ohfp.InstallationID(found.text("id")), nil
		case suggested == "":
			return "", ohfp.Errorf(ohfp.ErrNotFound, "store %s has no installation id yet; the first request makes one", s.table.name)
		}
		if err := s.fenced(ctx); err != nil {
			return "", s.fault(err)
		}
		i := k.item()
		i.setText("id", string(suggested))
		if made, err := s.table.put(ctx, i, isNew, nil); err != nil {
			return "", s.fault(err)
		} else if made {
			return suggested, nil
		}
	}
}

// fault gives an error its kind and says what to do. Errors that have a kind pass.
func (s *Store) fault(err error) error {
	var refusal smithy.APIError
	var broken *url.Error
	var unsigned *credentialsError
	switch {
	case err == nil || ohfp.KindOf(err) != nil:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return ohfp.Errorf(ohfp.ErrTimeout, "store %s did not answer in time: %w", s.table.name, err)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("store %s: %w", s.table.name, err)
	case errors.As(err, &unsigned):
		return ohfp.Errorf(ohfp.ErrUnavailable,
			"store %s: no valid credentials for DynamoDB; mend them (environment, storage.dynamodb.profile, instance role): %w", s.table.name, err)
	case errors.As(err, &refusal):
		return s.refused(refusal, err)
	case errors.As(err, &broken):
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be reached; check storage.dynamodb.endpoint, region and network: %w", s.table.name, err)
	default:
		return fmt.Errorf("store %s: %w", s.table.name, err)
	}
}

// refused tells DynamoDB's refusals apart.
func (s *Store) refused(refusal smithy.APIError, err error) error {
	name, words := s.table.name, refusal.ErrorMessage()
	switch refusal.ErrorCode() {
	case "AccessDeniedException", "AccessDenied":
		return ohfp.Errorf(ohfp.ErrDenied, "store %s: DynamoDB denies it: %s; docs/storage.md lists what must be allowed: %w", name, words, err)
	case "UnrecognizedClientException", "ExpiredTokenException", "ExpiredToken", "InvalidSignatureException",
		"IncompleteSignatureException", "MissingAuthenticationTokenException", "InvalidClientTokenId":
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s: DynamoDB does not accept the credentials: %s; renew them: %w", name, words, err)
	case "ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "LimitExceededException":
		return ohfp.Errorf(ohfp.ErrThrottled, "store %s: DynamoDB refuses the call for its rate: %s; try again later: %w", name, words, err)
	}
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s: the table is gone; it is made again at the next use: %w", name, err)
	}
	if refusal.ErrorFault() == smithy.FaultServer {
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s: DynamoDB failed: %s; try again: %w", name, words, err)
	}
	return fmt.Errorf("store %s: %w", name, err)
}
