package awssim

import (
	"errors"
	"fmt"
	"slices"
)

// Failure is an error to answer instead of executing calls.
type Failure struct {
	// Action is the call to fail, such as RunInstances, or * for any. Where two services have it, a service in front, such
	// as autoscaling:DescribeTags, means one of them.
	Action string `json:"action"`
	// Code is the AWS error code; the HTTP status follows from it.
	Code string `json:"code"`
	// Message defaults to one that says that the failure was injected.
	Message string `json:"message,omitempty"`
	// Times is how many calls fail; below zero, all until ClearFailures.
	Times int `json:"times"`
}

// FailNext makes the next n calls of action (* for any) fail with an AWS error code; n below zero means all. Failures of
// the same action queue up.
func (c *Cloud) FailNext(action, code string, n int) error {
	return c.Fail(Failure{Action: action, Code: code, Times: n})
}

// Fail is FailNext with a message of one's own.
func (c *Cloud) Fail(f Failure) error {
	switch {
	case f.Action != "*" && !c.simulated(f.Action):
		return fmt.Errorf("awssim: failure names the action %q, which is neither * nor simulated", f.Action)
	case f.Code == "" || f.Times == 0:
		return errors.New("awssim: failure needs a code, and times other than 0")
	}
	setDefault(&f.Message, "Failure injected into the simulator")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = append(c.failures, f)
	return nil
}

// ClearFailures drops the failures that have not happened yet.
func (c *Cloud) ClearFailures() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = nil
}

// Failures returns the failures that have not happened yet.
func (c *Cloud) Failures() []Failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.failures)
}

func (c *Cloud) simulated(action string) bool {
	for name := range c.operations {
		if name.matches(action) {
			return true
		}
	}
	return false
}

func (c *Cloud) injected(service, action string) error {
	for i := range c.failures {
		f := &c.failures[i]
		if f.Action != "*" && !(operationName{service, action}).matches(f.Action) {
			continue
		}
		err := errorf(f.Code, "%s", f.Message)
		if f.Times > 0 {
			f.Times--
		}
		if f.Times == 0 {
			c.failures = slices.Delete(c.failures, i, i+1)
		}
		return err
	}
	return nil
}
