package awssim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// controlPrefix is a path that no AWS API uses.
const controlPrefix = "/_simulator/"

// PoolCapacity is what a pool still gives.
type PoolCapacity struct {
	Pool
	// Remaining is how many more instances the pool gives; below zero, any number.
	Remaining int `json:"remaining"`
}

type endRequest struct {
	InstanceIDs []string `json:"instanceIds"`
	// Notice is a duration such as 2m, of interruptions only.
	Notice string `json:"notice,omitempty"`
}

type scheduleRequest struct {
	InstanceIDs []string `json:"instanceIds"`
	// Code is EC2's code of a scheduled event; empty calls off what is scheduled.
	Code      string    `json:"code,omitempty"`
	NotBefore time.Time `json:"notBefore,omitzero"`
}

type advanceRequest struct {
	By string `json:"by"`
}

// serveControl does over HTTP and JSON what the methods of Cloud do.
func (c *Cloud) serveControl(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" {
		http.Error(w, "awssim: control calls are not for web pages", http.StatusForbidden)
		return
	}
	resource := strings.TrimPrefix(r.URL.Path, controlPrefix)
	answer, err := c.control(r.Method+" "+resource, r)
	if err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, errNoControl) {
			status = http.StatusNotFound
		}
		http.Error(w, err.Error(), status)
		return
	}
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// Whoever went away does not need the answer.
	_ = json.NewEncoder(w).Encode(answer)
}

var errNoControl = errors.New("awssim: no such control call")

func (c *Cloud) control(method string, r *http.Request) (any, error) {
	switch method {
	case "GET description", "GET ":
		return c.Describe(), nil
	case "GET ledger":
		return c.ledgerAfter(r)
	case "DELETE ledger":
		c.ResetLedger()
	case "GET instances":
		return c.Instances(), nil
	case "GET launch-templates":
		return c.LaunchTemplates(), nil
	case "GET fleets":
		return c.Fleets(), nil
	case "GET spot-fleets":
		return c.SpotFleets(), nil
	case "GET groups":
		return c.Groups(), nil
	case "GET capacity":
		limited := []PoolCapacity{}
		for pool, n := range c.Capacity() {
			limited = append(limited, PoolCapacity{pool, n})
		}
		return limited, nil
	case "PUT capacity":
		p, err := read[PoolCapacity](r)
		if err != nil {
			return nil, err
		}
		return nil, c.SetCapacity(p.InstanceType, p.Zone, p.Lifecycle, p.Remaining)
	case "GET failures":
		return append([]Failure{}, c.Failures()...), nil
	case "DELETE failures":
		c.ClearFailures()
	case "POST failures":
		f, err := read[Failure](r)
		if err == nil {
			err = c.Fail(f)
		}
		return nil, err
	default:
		return c.controlInstances(method, r)
	}
	return nil, nil
}

func (c *Cloud) controlInstances(method string, r *http.Request) (any, error) {
	switch method {
	case "POST terminate":
		in, err := read[endRequest](r)
		if err == nil {
			err = c.Terminate(in.InstanceIDs...)
		}
		return nil, err
	case "POST interrupt":
		in, err := read[endRequest](r)
		if err != nil {
			return nil, err
		}
		notice, err := time.ParseDuration(in.Notice)
		if err != nil {
			return nil, fmt.Errorf("awssim: notice: %w", err)
		}
		return nil, c.Interrupt(notice, in.InstanceIDs...)
	case "POST recommend":
		in, err := read[endRequest](r)
		if err == nil {
			err = c.Recommend(in.InstanceIDs...)
		}
		return nil, err
	case "POST schedule":
		in, err := read[scheduleRequest](r)
		switch {
		case err != nil:
			return nil, err
		case in.Code == "":
			return nil, c.Unschedule(in.InstanceIDs...)
		}
		return nil, c.Schedule(in.Code, in.NotBefore, in.InstanceIDs...)
	case "POST advance":
		in, err := read[advanceRequest](r)
		if err != nil {
			return nil, err
		}
		by, err := time.ParseDuration(in.By)
		if err != nil {
			return nil, fmt.Errorf("awssim: advance by: %w", err)
		}
		c.Advance(by)
		return nil, nil
	default:
		return nil, fmt.Errorf("%w: %s", errNoControl, method)
	}
}

// ledgerAfter narrows the ledger to calls after a number and to one action.
func (c *Cloud) ledgerAfter(r *http.Request) ([]Call, error) {
	after, err := 0, error(nil)
	if text := r.URL.Query().Get("after"); text != "" {
		if after, err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("awssim: after: %w", err)
		}
	}
	action := r.URL.Query().Get("action")
	calls := []Call{}
	for _, call := range c.Ledger() {
		if call.Number > after && (action == "" || call.Action == action) {
			calls = append(calls, call)
		}
	}
	return calls, nil
}

func read[T any](r *http.Request) (T, error) {
	var in T
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return in, fmt.Errorf("awssim: request body: %w", err)
	}
	return in, nil
}
