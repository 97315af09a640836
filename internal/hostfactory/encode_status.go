package hostfactory

import (
	"fmt"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// The words of Host Factory.
const (
	statusRunning           = "running"
	statusComplete          = "complete"
	statusCompleteWithError = "complete_with_error"

	resultExecuting = "executing"
	resultSucceed   = "succeed"
	resultFail      = "fail"
)

type statusAnswer struct {
	Requests []requestStatus `json:"requests"`
}

type requestStatus struct {
	RequestID ohfp.RequestID  `json:"requestId"`
	Status    string          `json:"status"`
	Message   string          `json:"message"`
	Machines  []machineStatus `json:"machines"`
}

type machineStatus struct {
	MachineID        ohfp.MachineID `json:"machineId"`
	Name             *string        `json:"name"` // the host name; null until the cloud has given one
	Result           string         `json:"result"`
	Status           *string        `json:"status"` // null for a machine that is not ours
	PrivateIPAddress *string        `json:"privateIpAddress"`
	PublicIPAddress  *string        `json:"publicIpAddress"`
	Launchtime       int64          `json:"launchtime"` // seconds since 1970; the name has a small t
	Message          string         `json:"message"`
	PriceType        *string        `json:"priceType"`
	InstanceType     *string        `json:"instanceType"`
	InstanceTags     string         `json:"instanceTags"` // k=v;k=v
	CloudHostID      *string        `json:"cloudHostId"`  // always null, as in IBM's plug-in
	RequestID        ohfp.RequestID `json:"requestId,omitempty"`
	ReturnRequestID  ohfp.RequestID `json:"returnRequestId,omitempty"`
}

// StatusReport is what getRequestStatus answers from.
type StatusReport struct {
	IDs     []ohfp.RequestID // what was asked, in the order of the answer
	Found   []ohfp.Request
	Partial Partial
	Problem error // why the cloud could not be asked, nil when it was
}

// EncodeStatus writes the answer of getRequestStatus: one entry per id, requests and returns mixed as asked.
func EncodeStatus(report StatusReport) ([]byte, error) {
	found := make(map[ohfp.RequestID]ohfp.Request, len(report.Found))
	for _, r := range report.Found {
		found[r.ID] = r
	}
	out := statusAnswer{Requests: make([]requestStatus, 0, len(report.IDs))}
	for _, id := range report.IDs {
		r, ok := found[id]
		switch {
		case !ok:
			out.Requests = append(out.Requests, unknownStatus(id, report.Problem))
		case r.Type == ohfp.TypeReturn:
			out.Requests = append(out.Requests, returnStatus(r, report))
		default:
			out.Requests = append(out.Requests, acquireStatus(r, report))
		}
	}
	return answer(out)
}

// unknownStatus ends the polling for a request that nobody knows. As long as the cloud could not be searched for its
// machines, an id that may be ours is not given up.
func unknownStatus(id ohfp.RequestID, problem error) requestStatus {
	s := requestStatus{RequestID: id, Status: statusCompleteWithError, Machines: []machineStatus{}}
	if problem != nil && id.WellFormed() {
		s.Status = statusRunning
		s.Message = sentence("the request is not known here, and " + notAsked(problem))
		return s
	}
	s.Message = "the request is not known here"
	return s
}

func notAsked(problem error) string {
	return "the cloud could not be asked: " + strings.TrimRight(sentence(problem.Error()), ".")
}

func acquireStatus(r ohfp.Request, report StatusReport) requestStatus {
	s := requestStatus{RequestID: r.ID, Machines: make([]machineStatus, 0, len(r.Machines))}
	failed := 0
	for _, m := range r.Machines {
		if m.Ending == ohfp.ReasonSpare || m.Ending == ohfp.ReasonLate {
			continue // more than was asked for: nobody has or gets it
		}
		entry := acquired(m)
		entry.ReturnRequestID = m.Return
		if entry.Result == resultFail {
			failed++
		}
		s.Machines = append(s.Machines, entry)
	}
	s.Status = report.status(r, failed)
	s.Message = report.message(r, s.Status, failed)
	return s
}

func returnStatus(r ohfp.Request, report StatusReport) requestStatus {
	s := requestStatus{RequestID: r.ID, Machines: make([]machineStatus, 0, len(r.Machines)+len(r.Unknown))}
	for _, m := range r.Machines {
		entry := describe(m)
		entry.RequestID = m.Request
		entry.Result = resultExecuting
		if m.Gone() {
			entry.Result = resultSucceed
		}
		s.Machines = append(s.Machines, entry)
	}
	for _, u := range r.Unknown {
		s.Machines = append(s.Machines, machineStatus{
			MachineID: u.Machine, Name: orNull(u.Name), Result: resultFail, Message: because(u.Message, "the machine is not known here"),
		})
	}
	report.Partial = PartialWithError // a machine that was not given back is never passed over
	s.Status = report.status(r, len(r.Unknown))
	s.Message = report.message(r, s.Status, len(r.Unknown))
	return s
}

// status is the request's in Host Factory's three words; failed is how many machines have the result fail.
func (report StatusReport) status(r ohfp.Request, failed int) string {
	switch r.Status {
	case ohfp.StatusComplete, ohfp.StatusPartial:
		short := r.Status == ohfp.StatusPartial || failed > 0
		if short && report.Partial != PartialComplete {
			return statusCompleteWithError
		}
		return statusComplete
	case ohfp.StatusFailed, ohfp.StatusTimeout, ohfp.StatusCancelled:
		return statusCompleteWithError
	case ohfp.StatusPending, ohfp.StatusInProgress, ohfp.StatusStopping:
	}
	return statusRunning
}

// message is empty as long as all is well.
func (report StatusReport) message(r ohfp.Request, status string, failed int) string {
	switch {
	case status == statusRunning && report.Problem != nil:
		return sentence(notAsked(report.Problem) + "; this is what was known before")
	case r.Message != "":
		return sentence(r.Message)
	case status == statusRunning || r.Status == ohfp.StatusComplete && failed == 0:
		return ""
	case failed > 0:
		return fmt.Sprintf("%d of %s failed", failed, ohfp.Count(r.Count, "machine"))
	default:
		return fmt.Sprintf("the request ended as %s", r.Status)
	}
}

// acquired is a machine as the one who asked for it sees it. Ready once is succeed for good, also after it was given
// back; a machine that its user never got, or that we took away, is fail.
func acquired(m ohfp.Machine) machineStatus {
	entry := describe(m)
	switch {
	case m.Ending != "" && m.Ending != ohfp.ReasonReturned:
		entry.Result, entry.Message = resultFail, endedBecause(m.Ending)
	case !m.DeliveredAt.IsZero():
		entry.Result = resultSucceed
	case m.Ending == ohfp.ReasonReturned:
		entry.Result, entry.Message = resultFail, "given back before it was ready"
	case !m.Alive():
		entry.Result, entry.Message = resultFail, because(m.StateReason, "ended by the cloud before it was ready")
	default:
		entry.Result = resultExecuting
	}
	return entry
}

// describe is what both views of a machine share.
func describe(m ohfp.Machine) machineStatus {
	state := m.State
	if state == "" {
		state = ohfp.MachinePending
	}
	entry := machineStatus{
		MachineID:        m.ID,
		Name:             orNull(m.Name),
		Status:           orNull(string(state)),
		PrivateIPAddress: orNull(m.PrivateIP),
		PublicIPAddress:  orNull(m.PublicIP),
		PriceType:        orNull(string(m.Lifecycle)),
		InstanceType:     orNull(m.Type),
		InstanceTags:     m.Tags,
	}
	if !m.LaunchedAt.IsZero() {
		entry.Launchtime = m.LaunchedAt.Unix()
	}
	return entry
}

func endedBecause(reason ohfp.Reason) string {
	switch reason {
	case ohfp.ReasonDeadline:
		return "not ready before the request's time was up"
	case ohfp.ReasonCancelled:
		return "the request was cancelled"
	case ohfp.ReasonAbandoned:
		return "released: nobody followed the request"
	case ohfp.ReasonOrphaned:
		return "released: no record answered for it"
	case ohfp.ReasonReturned, ohfp.ReasonSpare, ohfp.ReasonLate:
	}
	return "ended: " + string(reason)
}

func because(reason, otherwise string) string {
	if reason = sentence(reason); reason == "" {
		return otherwise
	}
	return reason
}
