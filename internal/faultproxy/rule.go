package faultproxy

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// Fault is what goes wrong.
type Fault string

const (
	// Drop closes the connection without an answer.
	Drop Fault = "drop"
	// Reset tears the connection down, so that the client reads "connection reset by peer".
	Reset Fault = "reset"
	// Refuse answers with an AWS error.
	Refuse Fault = "refuse"
	// Truncate answers with the beginning of the document, as a complete HTTP answer.
	Truncate Fault = "truncate"
	// Cut answers with the beginning of the document and then closes the connection.
	Cut Fault = "cut"
	// Empty answers a listing with nothing in it, as a complete and correct answer.
	Empty Fault = "empty"
	// Delay only waits.
	Delay Fault = "delay"
)

// Rule chooses calls and says what goes wrong with them.
type Rule struct {
	Fault Fault
	// Action is the call to choose, such as RunInstances; empty chooses all.
	Action string
	// From is the first chosen call of the action that the rule fires at, counted from 1 and from the adding of the rule.
	// 0 is 1.
	From int
	// Times is how often the rule fires at most; 0 is no limit.
	Times int
	// Probability is how likely the rule fires at a call; 0 is always. Seed makes the sequence repeatable.
	Probability float64
	Seed        uint64

	// Executed lets the upstream execute the call before it goes wrong. Truncate and Cut always do. A call that is not
	// executed first never reaches the upstream, except that Delay forwards it after the wait, unless its caller is gone by
	// then.
	Executed bool
	// Fresh spares calls whose ClientToken the upstream has executed with success before. AWS answers such a call with what it
	// did then, and so never with a shortage, for example.
	Fresh bool
	// Wait passes before the fault, after the execution when there is one.
	Wait time.Duration
	// Code, Message and Status are the answer of Refuse. Default RequestLimitExceeded with 503.
	Code    string
	Message string
	Status  int
	// Keep is how many bytes Truncate and Cut leave; 0 is half of the document.
	Keep int
	// Notify, when not nil, is told when the rule fires: once the call is executed, if it is, and before anything of an
	// answer is on its way. A test may kill the caller here.
	Notify func(Event)
}

func (r Rule) check() error {
	switch r.Fault {
	case Drop, Reset, Refuse, Truncate, Cut, Empty:
	case Delay:
		if r.Wait <= 0 {
			return fmt.Errorf("faultproxy: rule %s for %q has nothing to wait for: set Wait", r.Fault, r.Action)
		}
	default:
		return fmt.Errorf("faultproxy: unknown fault %q", r.Fault)
	}
	if r.From < 0 || r.Times < 0 || r.Keep < 0 || r.Probability < 0 || r.Probability > 1 {
		return fmt.Errorf("faultproxy: rule %s for %q has a number out of range", r.Fault, r.Action)
	}
	return nil
}

// rule is a rule at work. The proxy's lock guards it.
type rule struct {
	Rule
	random *rand.Rand
	seen   int
	fired  int
}

func newRule(r Rule) *rule {
	r.From = max(r.From, 1)
	r.Executed = r.Executed || r.Fault == Truncate || r.Fault == Cut
	if r.Code == "" {
		r.Code, r.Message = "RequestLimitExceeded", "Request limit exceeded."
	}
	if r.Status == 0 {
		r.Status = http.StatusServiceUnavailable
	}
	return &rule{Rule: r, random: rand.New(rand.NewPCG(r.Seed, 0))} //nolint:gosec // faults need no secrecy
}

// selects counts the call when the rule is about it.
func (r *rule) selects(action string, repeated bool) bool {
	if r.Action != "" && r.Action != action || r.Fresh && repeated {
		return false
	}
	r.seen++
	return r.seen >= r.From
}

func (r *rule) fires() bool {
	if r.Times > 0 && r.fired >= r.Times {
		return false
	}
	if r.Probability > 0 && r.random.Float64() >= r.Probability {
		return false
	}
	r.fired++
	return true
}

func (r *Rule) notify(e Event) {
	if r.Notify != nil {
		r.Notify(e)
	}
}

// listing is a list without entries. What the lists of an answer are called does not matter: none of them is there.
func listing(action string) *reply {
	body := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<%[1]sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">`+
		`<requestId>00000000-0000-4000-8000-000000000000</requestId><%[1]sResult/></%[1]sResponse>`, action)
	return &reply{http.StatusOK, http.Header{"Content-Type": {"text/xml;charset=UTF-8"}}, []byte(body)}
}

// keep is how many of size bytes an answer keeps, always fewer than there are.
func (r *Rule) keep(size int) int {
	if r.Keep == 0 {
		return size / 2
	}
	return min(r.Keep, max(size-1, 0))
}

// refusal is an error in the form of EC2.
func refusal(r *Rule) *reply {
	var body strings.Builder
	body.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Response><Errors><Error><Code>")
	// A strings.Builder never fails.
	_ = xml.EscapeText(&body, []byte(r.Code))
	body.WriteString("</Code><Message>")
	_ = xml.EscapeText(&body, []byte(r.Message))
	body.WriteString("</Message></Error></Errors><RequestID>00000000-0000-4000-8000-000000000000</RequestID></Response>")
	header := http.Header{"Content-Type": {"text/xml;charset=UTF-8"}}
	return &reply{r.Status, header, []byte(body.String())}
}
