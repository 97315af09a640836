package awssim

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Call is an entry of the ledger: an AWS call and its outcome.
type Call struct {
	// Number counts calls from 1 and goes on after ResetLedger.
	Number  int       `json:"number"`
	Time    time.Time `json:"time"`
	Service string    `json:"service"`
	Action  string    `json:"action"`
	// Parameters as sent, without Action and Version; values are cut at 256 bytes and lists at ten elements.
	Parameters map[string]string `json:"parameters"`
	// Digest is equal for calls that sent the same parameters, byte for byte.
	Digest      string `json:"digest"`
	ClientToken string `json:"clientToken,omitempty"`
	DryRun      bool   `json:"dryRun,omitempty"`
	RequestID   string `json:"requestId"`
	// AccessKey is the ID of the key that signed the call.
	AccessKey string `json:"accessKey,omitempty"`
	// Status is the HTTP status of the answer.
	Status int `json:"status"`
	// Code is the AWS error code, empty when the call succeeded.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Launched and Terminated are the IDs of the instances that this call launched or began to end.
	Launched   []string `json:"launched,omitempty"`
	Terminated []string `json:"terminated,omitempty"`
	// Replayed is set when a client token made the call answer with what an earlier one did.
	Replayed bool `json:"replayed,omitempty"`
}

// Ledger returns the calls so far, oldest first.
func (c *Cloud) Ledger() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ledger)
}

// ResetLedger forgets the calls so far.
func (c *Cloud) ResetLedger() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger = nil
}

func (c *Cloud) newEntry(call *call) *Call {
	// Errors about the version itself are EC2's.
	service := defaulted(serviceOf(call.form.Get("Version")), serviceEC2)
	token := call.form.Get("ClientToken")
	// The one call that takes its token elsewhere.
	setDefault(&token, call.form.Get("SpotFleetRequestConfig.ClientToken"))
	c.calls++
	return &Call{
		Number: c.calls, Time: call.now, Service: service, Action: call.form.Get("Action"),
		Parameters: summary(call.form), Digest: digest(call.form),
		ClientToken: token, DryRun: call.dryRun, RequestID: c.newUUID(),
	}
}

func (c *Cloud) record(entry *Call) {
	// Cut by a tenth at a time, so that a long ledger is not moved at every call.
	if len(c.ledger) >= c.options.LedgerSize {
		drop := len(c.ledger) - c.options.LedgerSize + max(1, c.options.LedgerSize/10)
		c.ledger = slices.Delete(c.ledger, 0, min(drop, len(c.ledger)))
	}
	c.ledger = append(c.ledger, *entry)
}

func summary(form url.Values) map[string]string {
	parameters := map[string]string{}
	for name, values := range form {
		if name != "Action" && name != "Version" && !longList(name) {
			parameters[name] = clip(values[0], 256)
		}
	}
	return parameters
}

func longList(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if index, err := strconv.Atoi(part); err == nil && index > 10 {
			return true
		}
	}
	return false
}

// digest identifies the parameters of a call, those in except left out.
func digest(form url.Values, except ...string) string {
	kept := maps.Clone(form)
	for _, name := range except {
		kept.Del(name)
	}
	// Encode sorts by name.
	sum := sha256.Sum256([]byte(kept.Encode()))
	return hex.EncodeToString(sum[:])
}
