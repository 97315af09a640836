package awssim

import (
	"fmt"
	"slices"
	"time"
)

// Kinds of events; each API has its own words for them.
const (
	changeOfFleet    = "fleet-change"
	changeOfInstance = "instance-change"
	failureOfFleet   = "service-error"
	informationOn    = "information"
)

// AWS sets a pool that failed aside for 13 minutes, and says so once.
const blameInterval = 13 * time.Minute

type fleetEvent struct {
	at                             time.Time
	kind, subType, instance, words string
}

// FleetEvent is an entry in the history of a fleet.
type FleetEvent struct {
	Time time.Time `json:"time"`
	// Kind is fleet-change, instance-change, service-error or information, which DescribeFleetHistory also calls
	// service-error. SubType is AWS's word.
	Kind        string `json:"kind"`
	SubType     string `json:"subType"`
	Instance    string `json:"instance,omitempty"`
	Description string `json:"description,omitempty"`
}

func (f *fleet) record(at time.Time, kind, subType, instance, words string) {
	f.events = append(f.events, fleetEvent{at, kind, subType, instance, words})
}

// history returns the events by time; those of one moment in the order in which they happened.
func (f *fleet) history() []FleetEvent {
	var history []FleetEvent
	for _, e := range f.events {
		history = append(history, FleetEvent{e.at, e.kind, e.subType, e.instance, e.words})
	}
	slices.SortStableFunc(history, func(a, b FleetEvent) int { return a.Time.Compare(b.Time) })
	return history
}

// blame records a failure unless the same one was recorded lately.
func (f *fleet) blame(at time.Time, kind, subType, about, words string) {
	if last, ok := f.blamed[about]; !ok || at.Sub(last) >= blameInterval {
		f.blamed[about] = at
		f.record(at, kind, subType, "", words)
	}
}

// tell writes into the history what came of a pool. The codes are where AWS puts them: in the descriptions.
func (f *fleet) tell(at time.Time, p *fleetPool) {
	for _, i := range p.made {
		f.record(at, changeOfInstance, "launched", i.id, i.describe())
	}
	if p.reason == nil {
		return
	}
	pool := p.describe()
	about := pool + " " + p.lifecycle + " " + p.reason.Code
	switch p.reason.Code {
	case "InsufficientInstanceCapacity", "InsufficientFreeAddressesInSubnet":
		f.blame(at, informationOn, "launchSpecTemporarilyBlacklisted", about, fmt.Sprintf(
			"Repeated errors have occurred processing the launch specification \"%s while launching %s instance\". It will not be retried for at least 13 minutes. Error message: %s (Service: AmazonEC2; Status Code: %d; Error Code: %s)",
			pool, p.lifecycle, p.reason.Message, p.reason.Status, p.reason.Code))
	case "SpotMaxPriceTooLow":
		f.blame(at, informationOn, "launchSpecUnusable", about, pool+", Spot bid price is less than Spot market price. Error message: "+p.reason.Message+" (Service: AmazonEC2; Status Code: 400; Error Code: SpotMaxPriceTooLow)")
	case "MaxSpotInstanceCountExceeded":
		f.blame(at, failureOfFleet, "spotInstanceCountLimitExceeded", about, pool+" => "+p.reason.Code+": "+p.reason.Message)
	default:
		f.blame(at, failureOfFleet, "spotFleetRequestConfigurationInvalid", about, pool+" => "+p.reason.Code+": "+p.reason.Message)
	}
}

func (i *instance) describe() string {
	return fmt.Sprintf(`{"instanceType":%q,"image":%q,"productDescription":"Linux/UNIX","availabilityZone":%q}`, i.instanceType.Name, i.image.ID, i.subnet.Zone)
}

func (p *fleetPool) describe() string {
	instanceType := defaulted(p.override.InstanceType, p.version.spec.InstanceType)
	image := defaulted(p.override.ImageID, p.version.spec.ImageID)
	zone := defaulted(p.override.Zone, p.override.SubnetID)
	if p.site != nil {
		zone = p.site.subnet.Zone
	}
	return instanceType + ", " + image + ", Linux/UNIX, " + zone
}

type describeFleetHistoryInput struct {
	FleetID   string    `query:"FleetId"`
	EventType string    `query:"EventType"`
	StartTime time.Time `query:"StartTime"`
	pageInput
}

type historyRecordReply struct {
	Information struct {
		Description string `reply:"eventDescription,omitempty"`
		SubType     string `reply:"eventSubType"`
		InstanceID  string `reply:"instanceId,omitempty"`
	} `reply:"eventInformation"`
	Type string    `reply:"eventType"`
	Time time.Time `reply:"timestamp"`
}

type fleetHistoryReply struct {
	Records       []historyRecordReply `reply:"historyRecordSet"`
	LastEvaluated time.Time            `reply:"lastEvaluatedTime"`
	NextToken     string               `reply:"nextToken,omitempty"`
	FleetID       string               `reply:"fleetId"`
	StartTime     time.Time            `reply:"startTime"`
}

func (c *Cloud) describeFleetHistory(call *call, in *describeFleetHistoryInput) (any, error) {
	f, err := c.keepingFleet(call, in.FleetID)
	if err != nil {
		return nil, err
	}
	records, next, err := c.historyPage(call, f, in.EventType, in.StartTime, in.pageInput, func(kind string) string {
		if kind == informationOn {
			return failureOfFleet
		}
		return kind
	})
	if err != nil {
		return nil, err
	}
	return fleetHistoryReply{records, call.now.Add(-c.options.DescribeLag), next, f.id, in.StartTime}, nil
}

// historyPage selects events. They show after the describe lag, and the time up to which they show is told.
func (c *Cloud) historyPage(call *call, f *fleet, wanted string, start time.Time, in pageInput, nameOf func(kind string) string) ([]historyRecordReply, string, error) {
	if start.IsZero() {
		return nil, "", missingParameter("StartTime")
	}
	known := []string{nameOf(changeOfFleet), nameOf(changeOfInstance), nameOf(failureOfFleet), nameOf(informationOn)}
	if wanted != "" && !slices.Contains(known, wanted) {
		return nil, "", invalidValue(clip(wanted, 32), "EventType", "Expecting one of "+joined(known)+".")
	}
	page, err := in.pageOf(call, 1, 1000, 1000)
	if err != nil {
		return nil, "", err
	}
	var records []historyRecordReply
	for n, e := range f.history() {
		if e.Time.Before(start) || e.Time.Add(c.options.DescribeLag).After(call.now) || wanted != "" && nameOf(e.Kind) != wanted || !page.admit(n+1) {
			continue
		}
		r := historyRecordReply{Type: nameOf(e.Kind), Time: e.Time}
		r.Information.Description, r.Information.SubType, r.Information.InstanceID = e.Description, e.SubType, e.Instance
		records = append(records, r)
	}
	return records, page.next(), nil
}
