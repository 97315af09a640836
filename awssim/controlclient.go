package awssim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Control steers a cloud that runs in another process. Its methods mean what those of Cloud of the same name mean.
type Control struct {
	// URL is the endpoint of the simulator, such as http://127.0.0.1:4566.
	URL string
	// Client is http.DefaultClient when nil.
	Client *http.Client
}

// Describe returns account, region, zones and networks.
func (c Control) Describe(ctx context.Context) (Description, error) {
	return get[Description](ctx, c, "description")
}

// Ledger returns the calls so far, oldest first.
func (c Control) Ledger(ctx context.Context) ([]Call, error) { return get[[]Call](ctx, c, "ledger") }

// LedgerAfter returns the calls with a number above after, of one action unless that is empty.
func (c Control) LedgerAfter(ctx context.Context, after int, action string) ([]Call, error) {
	query := url.Values{"after": {strconv.Itoa(after)}, "action": {action}}
	return get[[]Call](ctx, c, "ledger?"+query.Encode())
}

// ResetLedger forgets the calls so far.
func (c Control) ResetLedger(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "ledger", nil, nil)
}

// Instances returns the instances that EC2 would still describe.
func (c Control) Instances(ctx context.Context) ([]Instance, error) {
	return get[[]Instance](ctx, c, "instances")
}

// LaunchTemplates returns the launch templates.
func (c Control) LaunchTemplates(ctx context.Context) ([]LaunchTemplate, error) {
	return get[[]LaunchTemplate](ctx, c, "launch-templates")
}

// Fleets returns the EC2 Fleets.
func (c Control) Fleets(ctx context.Context) ([]Fleet, error) { return get[[]Fleet](ctx, c, "fleets") }

// SpotFleets returns the Spot Fleet requests.
func (c Control) SpotFleets(ctx context.Context) ([]Fleet, error) {
	return get[[]Fleet](ctx, c, "spot-fleets")
}

// Groups returns the Auto Scaling groups.
func (c Control) Groups(ctx context.Context) ([]Group, error) { return get[[]Group](ctx, c, "groups") }

// Capacity returns the pools that are limited.
func (c Control) Capacity(ctx context.Context) (map[Pool]int, error) {
	limited, err := get[[]PoolCapacity](ctx, c, "capacity")
	if err != nil {
		return nil, err
	}
	capacity := map[Pool]int{}
	for _, p := range limited {
		capacity[p.Pool] = p.Remaining
	}
	return capacity, nil
}

// SetCapacity lets a pool give n more instances.
func (c Control) SetCapacity(ctx context.Context, instanceType, zone, lifecycle string, n int) error {
	return c.do(ctx, http.MethodPut, "capacity", PoolCapacity{Pool{instanceType, zone, lifecycle}, n}, nil)
}

// FailNext makes the next n calls of action fail with code.
func (c Control) FailNext(ctx context.Context, action, code string, n int) error {
	return c.do(ctx, http.MethodPost, "failures", Failure{Action: action, Code: code, Times: n}, nil)
}

// ClearFailures drops the failures that have not happened yet.
func (c Control) ClearFailures(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "failures", nil, nil)
}

// Terminate ends instances as somebody at the console would.
func (c Control) Terminate(ctx context.Context, ids ...string) error {
	return c.do(ctx, http.MethodPost, "terminate", endRequest{InstanceIDs: ids}, nil)
}

// Interrupt takes spot instances back after the notice.
func (c Control) Interrupt(ctx context.Context, notice time.Duration, ids ...string) error {
	return c.do(ctx, http.MethodPost, "interrupt", endRequest{InstanceIDs: ids, Notice: notice.String()}, nil)
}

// Recommend recommends to rebalance spot instances.
func (c Control) Recommend(ctx context.Context, ids ...string) error {
	return c.do(ctx, http.MethodPost, "recommend", endRequest{InstanceIDs: ids}, nil)
}

// Schedule announces maintenance of instances.
func (c Control) Schedule(ctx context.Context, code string, notBefore time.Time, ids ...string) error {
	return c.do(ctx, http.MethodPost, "schedule", scheduleRequest{ids, code, notBefore}, nil)
}

// Unschedule calls maintenance of instances off.
func (c Control) Unschedule(ctx context.Context, ids ...string) error {
	return c.do(ctx, http.MethodPost, "schedule", scheduleRequest{InstanceIDs: ids}, nil)
}

// Advance moves the cloud's time ahead.
func (c Control) Advance(ctx context.Context, d time.Duration) error {
	return c.do(ctx, http.MethodPost, "advance", advanceRequest{d.String()}, nil)
}

func get[T any](ctx context.Context, c Control, resource string) (T, error) {
	var answer T
	err := c.do(ctx, http.MethodGet, resource, nil, &answer)
	return answer, err
}

func (c Control) do(ctx context.Context, method, resource string, body, answer any) error {
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			return fmt.Errorf("awssim: %s %s: %w", method, resource, err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+controlPrefix+resource, &sent)
	if err != nil {
		return fmt.Errorf("awssim: %s %s: %w", method, resource, err)
	}
	client := c.Client
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("awssim: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		return fmt.Errorf("awssim: %s %s: %s: %s", method, resource, response.Status, bytes.TrimSpace(text))
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("awssim: %s %s: %w", method, resource, err)
	}
	return nil
}
