// Package interrupt learns which machines AWS takes back: from events that EventBridge puts into a queue, and by asking
// EC2. It refuses to decide whose machines they are and what is done about them.
package interrupt

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// SpotWarning is how long before a spot interruption AWS warns.
const SpotWarning = 2 * time.Minute

// event is what EventBridge delivers, as far as it matters here.
type event struct {
	DetailType string    `json:"detail-type"`
	Source     string    `json:"source"`
	Time       time.Time `json:"time"` // to the second
	Detail     detail    `json:"detail"`
}

type detail struct {
	Instance string `json:"instance-id"`
	Action   string `json:"instance-action"` // terminate, stop or hibernate
	State    string `json:"state"`

	// Of AWS Health.
	Service  string `json:"service"`
	Category string `json:"eventTypeCategory"`
	Code     string `json:"eventTypeCode"`
	Status   string `json:"statusCode"` // upcoming, open or closed
	Start    string `json:"startTime"`
	Affected []struct {
		Entity string `json:"entityValue"`
	} `json:"affectedEntities"`
}

// Parse reads one message of the queue. An event that says nothing about a machine that is taken is no notice and no
// error; what is no event of EventBridge is an error.
func Parse(body []byte) ([]provider.Notice, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("the message is no event of EventBridge: %w", err)
	}
	if e.DetailType == "" || e.Time.IsZero() {
		return nil, fmt.Errorf("the message is no event of EventBridge: it has no detail-type or no time")
	}
	switch e.Source + " " + e.DetailType {
	case "aws.ec2 EC2 Spot Instance Interruption Warning":
		return e.about(ohfp.Notice{Kind: ohfp.NoticeSpot, Due: e.Time.Add(SpotWarning), Text: "EC2 takes the spot capacity back (" + word(e.Detail.Action, "terminate") + ")"}), nil
	case "aws.ec2 EC2 Instance Rebalance Recommendation":
		return e.about(ohfp.Notice{Kind: ohfp.NoticeRebalance, Text: "EC2 may soon take the spot capacity back"}), nil
	case "aws.ec2 EC2 Instance State-change Notification":
		// What stops may start again, and what we end ourselves is on record before it ends.
		if state := ohfp.MachineState(e.Detail.State); state == ohfp.MachineShuttingDown || state == ohfp.MachineTerminated {
			return e.about(ohfp.Notice{Kind: ohfp.NoticeStateChange, Due: e.Time, Text: "it is " + e.Detail.State}), nil
		}
	case "aws.health AWS Health Event":
		return e.scheduled(), nil
	}
	return nil, nil
}

// about is the notice about the one machine of an event.
func (e event) about(n ohfp.Notice) []provider.Notice {
	if e.Detail.Instance == "" {
		return nil
	}
	n.AnnouncedAt, n.Due = e.Time.UTC(), n.Due.UTC()
	return []provider.Notice{{Machine: ohfp.MachineID(e.Detail.Instance), Notice: n}}
}

// scheduled is what AWS Health tells of maintenance.
func (e event) scheduled() []provider.Notice {
	if e.Detail.Service != "EC2" || e.Detail.Category != "scheduledChange" {
		return nil
	}
	// Health writes times as HTTP does. Without one the maintenance has no date yet.
	start, _ := time.Parse("Mon, 2 Jan 2006 15:04:05 MST", e.Detail.Start)
	var notices []provider.Notice
	for _, affected := range e.Detail.Affected {
		if !strings.HasPrefix(affected.Entity, "i-") || slices.ContainsFunc(notices, func(n provider.Notice) bool { return string(n.Machine) == affected.Entity }) {
			continue
		}
		notices = append(notices, provider.Notice{
			Machine: ohfp.MachineID(affected.Entity), Withdrawn: e.Detail.Status == "closed",
			Notice: ohfp.Notice{
				Kind: ohfp.NoticeMaintenance, AnnouncedAt: e.Time.UTC(), Due: start.UTC(), Text: "EC2 has scheduled " + word(e.Detail.Code, "maintenance"),
			},
		})
	}
	return notices
}

// maxWord is more than any code of AWS has.
const maxWord = 100

// word is a code of AWS as a sentence may hold it: whatever a message says must not break a log or a listing.
func word(code, otherwise string) string {
	if code == "" || len(code) > maxWord || strings.ContainsFunc(code, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return otherwise
	}
	return code
}
