package hostfactory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/fakehf"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

func TestOnlyAWrittenAnswerCounts(t *testing.T) {
	t.Parallel()
	w := newWorld()
	face := &hostfactory.Face{Commands: w, Queries: w, Caller: operator()}
	reply := face.Answer(t.Context(), hostfactory.RequestMachines, []byte(`{"template":{"templateId":"Template-VM-1","machineCount":2}}`))
	requested, err := fakehf.ParseRequested(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.answered) != 0 {
		t.Errorf("answered before the answer was written: %v", w.answered)
	}
	if err := reply.AfterWrite(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := ohfp.RequestID(requested.RequestID)
	if diff := cmp.Diff([]ohfp.RequestID{id}, w.answered); diff != "" {
		t.Errorf("answered (-want +got)\n%s", diff)
	}
	if want := (ohfp.Origin{Face: "hostfactory", Caller: "egoadmin"}); w.requests[id].Origin != want {
		t.Errorf("origin %+v, want %+v", w.requests[id].Origin, want)
	}
}

func TestHostsAreHandedOn(t *testing.T) {
	t.Parallel()
	w := newWorld()
	face := &hostfactory.Face{Commands: w, Queries: w, Caller: access.Caller{Face: "hostfactory", Role: access.Viewer}}
	face.Answer(t.Context(), hostfactory.GetReturnRequests, []byte(`{"machines":[{"machineId":"i-9"}]}`))
	face.Caller = operator()
	face.Answer(t.Context(), hostfactory.GetReturnRequests, []byte(`{"machines":[{"machineId":"i-1","name":"a"},{"name":"b"},"c"]}`))
	face.Answer(t.Context(), hostfactory.GetReturnRequests, []byte(`{"machines":"all"}`))
	want := [][]command.Named{{{ID: "i-1", Name: "a"}, {Name: "b"}, {ID: "c"}, {Name: "c"}}, {}}
	if diff := cmp.Diff(want, w.named); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatIsSynced(t *testing.T) {
	t.Parallel()
	w := newWorld()
	face := &hostfactory.Face{Commands: w, Queries: w, Caller: operator()}
	face.Answer(t.Context(), hostfactory.GetRequestStatus, fmt.Appendf(nil, `{"requests":[{"requestId":%q},{"requestId":"x"}]}`, acquireID(1)))
	face.Answer(t.Context(), hostfactory.GetReturnRequests, []byte(`{}`))
	face.Answer(t.Context(), hostfactory.GetAvailableTemplates, []byte(`{}`))
	want := []command.SyncRequests{
		{IDs: []ohfp.RequestID{acquireID(1), "x"}, Others: true},
		{Others: true, Live: true},
	}
	if diff := cmp.Diff(want, w.synced); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRecordsAreReadWhenTheCloudHasTakenAllTheTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := newWorld()
	w.sync = ctx.Err()
	reply := (&hostfactory.Face{Commands: w, Queries: w, Caller: operator()}).Answer(ctx, hostfactory.GetRequestStatus, fmt.Appendf(nil, `{"requests":[{"requestId":%q}]}`, acquireID(3)))
	requests, err := fakehf.ParseStatus(reply.Body, string(acquireID(3)))
	if err != nil || reply.Exit != 0 || len(requests[0].Good()) != 2 {
		t.Errorf("%+v: %v", reply, err)
	}
}

func TestUnknownActionIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld()
	instruments := &telemetry.Instruments{Meter: telemetry.NewMeter(), Now: time.Now}
	reply := (&hostfactory.Face{Commands: w, Queries: w, Caller: operator(), Telemetry: instruments}).Answer(t.Context(), "templateWizard", []byte(`{}`))
	if message, err := fakehf.ParseRefusal(reply.Body); err != nil || reply.Exit != 1 || !strings.Contains(message, "templateWizard") {
		t.Errorf("%+v: %v", reply, err)
	}
	counted := string(telemetry.Exposition(instruments.Meter.Take()))
	if strings.Contains(counted, "templateWizard") || !strings.Contains(counted, `operation="none",outcome="invalid`) {
		t.Errorf("the name of a call that there is not is counted:\n%s", counted)
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want string
	}{
		{errors.New("first line\n\tsecond line"), "first line second line"},
		{errors.New(" "), "internal error"},
		{errors.New("not UTF-8: \xff"), "not UTF-8: ?"},
		{errors.New(strings.Repeat("ä", 2000)), strings.Repeat("ä", 1000) + "..."},
	}
	for _, test := range tests {
		reply := hostfactory.Refuse(test.err)
		message, err := fakehf.ParseRefusal(reply.Body)
		if err != nil || message != test.want || reply.Stderr != test.want || reply.Exit != 1 {
			t.Errorf("%q: %+v: %v", test.err, reply, err)
		}
	}
}

// TestEveryStateHasAWord plays every status of a request with every state of a machine, every reason to end it, ready
// before or not, given back or not, under both reports of partial success.
func TestEveryStateHasAWord(t *testing.T) {
	t.Parallel()
	states := []ohfp.MachineState{
		"", ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped, ohfp.MachineShuttingDown, ohfp.MachineTerminated,
	}
	reasons := []ohfp.Reason{
		"", ohfp.ReasonReturned, ohfp.ReasonSpare, ohfp.ReasonLate, ohfp.ReasonDeadline, ohfp.ReasonCancelled, ohfp.ReasonAbandoned,
	}
	played := 0
	for _, status := range ohfp.Statuses() {
		for _, state := range states {
			for _, reason := range reasons {
				for _, delivered := range []bool{false, true} {
					for _, partial := range []hostfactory.Partial{hostfactory.PartialWithError, hostfactory.PartialComplete} {
						m := with(ready(1), func(m *ohfp.Machine) { m.State, m.Ending = state, reason })
						if !delivered {
							m.DeliveredAt, m.Name, m.PrivateIP = time.Time{}, "", ""
						}
						if delivered && (state == "" || state == ohfp.MachinePending) || status == ohfp.StatusComplete && !delivered && reason == "" && m.Alive() {
							continue // cannot be: ready needs running, and complete needs ready
						}
						word(t, ohfp.Request{ID: acquireID(1), Type: ohfp.TypeAcquire, Count: 1, Status: status, Machines: []ohfp.Machine{m}}, partial)
						played++
					}
				}
			}
		}
	}
	if played < 1000 {
		t.Errorf("only %d combinations were played", played)
	}
}

func word(t *testing.T, r ohfp.Request, partial hostfactory.Partial) {
	t.Helper()
	m := r.Machines[0]
	body, err := hostfactory.EncodeStatus(hostfactory.StatusReport{IDs: []ohfp.RequestID{r.ID}, Found: []ohfp.Request{r}, Partial: partial})
	if err != nil {
		t.Fatal(err)
	}
	if r.Status == ohfp.StatusPartial && partial == hostfactory.PartialComplete && m.Ending == "" && m.DeliveredAt.IsZero() && m.Alive() {
		return // a partial request has no machine under way
	}
	parsed, err := fakehf.ParseStatus(body, string(r.ID))
	if err != nil {
		t.Errorf("%s, machine %q, ending %q: %v", r.Status, m.State, m.Ending, err)
		return
	}
	got := parsed[0]
	unheardOf := m.Ending == ohfp.ReasonSpare || m.Ending == ohfp.ReasonLate
	inHand := !m.DeliveredAt.IsZero() && (m.Ending == "" || m.Ending == ohfp.ReasonReturned)
	switch {
	case r.Status.Terminal() != got.Done():
		t.Errorf("%s is %s", r.Status, got.Status)
	case unheardOf != (len(got.Machines) == 0):
		t.Errorf("%s, ending %q: %d machines listed", r.Status, m.Ending, len(got.Machines))
	case !unheardOf && inHand != (got.Machines[0].Result == "succeed"):
		t.Errorf("%s, machine %q, ending %q: result %s", r.Status, m.State, m.Ending, got.Machines[0].Result)
	case got.Status == "complete" && partial == hostfactory.PartialWithError && len(got.Good()) < len(got.Machines):
		t.Errorf("%s, machine %q, ending %q: complete with a machine that failed", r.Status, m.State, m.Ending)
	}
}

func TestEncodeReturnedTellsWhatWasActive(t *testing.T) {
	t.Parallel()
	at := noon.Add(30 * time.Minute)
	gone := func(when time.Time) ohfp.Machine {
		return with(ready(1), func(m *ohfp.Machine) { m.State, m.TerminatedAt = ohfp.MachineTerminated, when })
	}
	many := make([]ohfp.Unknown, 20)
	for i := range many {
		many[i].Message = fmt.Sprintf("machine %d is not known here", i)
	}
	tests := []struct {
		name string
		r    ohfp.Request
		want string
	}{
		{"gone before", ohfp.Request{Machines: []ohfp.Machine{gone(at.Add(-time.Minute))}}, "No Active VM."},
		{"gone at once", ohfp.Request{Machines: []ohfp.Machine{gone(at.Add(-time.Minute)), gone(at.Add(time.Second))}}, "Delete VM success."},
		{"going", ohfp.Request{Machines: []ohfp.Machine{with(ready(1), func(m *ohfp.Machine) { m.State = ohfp.MachineShuttingDown })}}, "Delete VM success."},
		{
			"many strangers",
			ohfp.Request{Unknown: many},
			"No Active VM. machine 0 is not known here. machine 1 is not known here. machine 2 is not known here. machine 3 is not known here. machine 4 is not known here. 15 more like these.",
		},
	}
	for _, test := range tests {
		test.r.ID, test.r.CreatedAt = returnID(1), at
		body, err := hostfactory.EncodeReturned(test.r, 0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := fakehf.ParseRequested(body)
		if err != nil || got.Message != test.want {
			t.Errorf("%s: %q, want %q: %v", test.name, got.Message, test.want, err)
		}
	}
}

func TestDecodeReturnRequestsTakesAWordForBoth(t *testing.T) {
	t.Parallel()
	got, err := hostfactory.DecodeReturnRequests([]byte(`{"machines":["a",{"name":"b","machineId":"i-1"},{"machineId":"i-2"},{}]}`))
	want := []query.Named{{ID: "a"}, {Name: "a"}, {ID: "i-1", Name: "b"}, {ID: "i-2"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// TestWhatIsToldIsRecordedOnceItIsOut: an answer that was not written has told nobody anything.
func TestWhatIsToldIsRecordedOnceItIsOut(t *testing.T) {
	t.Parallel()
	w := newWorld()
	face := &hostfactory.Face{Commands: w, Queries: w, Caller: operator()}
	reply := face.Answer(t.Context(), hostfactory.GetRequestStatus, []byte(`{"requests":[{"requestId":"`+string(acquireID(2))+`"},{"requestId":"req-none"}]}`))
	if reply.Exit != 0 || reply.AfterWrite == nil || w.reported != nil {
		t.Fatalf("exit %d, recorded before it was written: %v", reply.Exit, w.reported)
	}
	if err := reply.AfterWrite(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := operator().Origin(); len(w.reported) != 1 || w.reported[0] != acquireID(2) || w.reader != want {
		t.Errorf("recorded that %v were told to %v, want %s and %v", w.reported, w.reader, acquireID(2), want)
	}
}

func TestParsePartial(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]hostfactory.Partial{
		"": hostfactory.PartialWithError, "complete_with_error": hostfactory.PartialWithError, "complete": hostfactory.PartialComplete,
	} {
		if got, err := hostfactory.ParsePartial(text); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := hostfactory.ParsePartial("running"); !errors.Is(err, ohfp.ErrInvalid) {
		t.Errorf("an unknown word: %v", err)
	}
}

func FuzzGetAvailableTemplates(f *testing.F) {
	fuzz(f, hostfactory.GetAvailableTemplates, `{ }`, `{"templates":[{"templateId":"spot_fleet"}]}`, `{"templates":{"templateId":"closed"}}`)
}

func FuzzRequestMachines(f *testing.F) {
	fuzz(f, hostfactory.RequestMachines, `{"template":{"templateId":"Template-VM-1","machineCount":2}}`, `{"templateId":"spot_fleet","maxNumber":1e2}`)
}

func FuzzRequestReturnMachines(f *testing.F) {
	fuzz(f, hostfactory.RequestReturnMachines, `{"machines":[{"name":"ip-10-0-57-31.ec2.internal","machineId":"i-0000000000000001f"},{"name":"x"}]}`, `{"machines":{"name":"x"}}`)
}

func FuzzGetRequestStatus(f *testing.F) {
	fuzz(f, hostfactory.GetRequestStatus, `{"requests":[{"requestId":"`+string(acquireID(2))+`"},{"requestId":"`+string(returnID(13))+`"}]}`, `{"requests":{"requestId":"`+string(acquireID(5))+`"}}`)
}

func FuzzGetReturnRequests(f *testing.F) {
	fuzz(f, hostfactory.GetReturnRequests, `{"machines":[{"name":"ip-10-0-57-82.ec2.internal"},"all"]}`, `{"machines":"all"}`)
}

// fuzz holds that whatever the bytes, the reply is one JSON object of the call's form and exit 0 or 1, and that the same
// bytes never bring more machines than they ask for.
func fuzz(f *testing.F, action hostfactory.Action, seeds ...string) {
	f.Helper()
	for _, seed := range append(seeds, "", "{}", "null", "[]", "\xef\xbb\xbf{}", "{}{}", `{"machines":null,"requests":null,"template":null}`, `{"a":"\ud800"}`) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		w := newWorld()
		before := len(w.requests)
		reply := (&hostfactory.Face{Commands: w, Queries: w, Caller: operator()}).Answer(t.Context(), action, input)
		if !json.Valid(reply.Body) || reply.Body[len(reply.Body)-1] != '\n' {
			t.Fatalf("%q", reply.Body)
		}
		if problem := checkReply(action, string(input), reply); problem != "" {
			t.Errorf("%s: %q", problem, reply.Body)
		}
		changes := action == hostfactory.RequestMachines || action == hostfactory.RequestReturnMachines
		if made := len(w.requests) - before; made > 1 || made > 0 && (!changes || reply.Exit != 0) {
			t.Errorf("%d requests made by %s, exit %d", made, action, reply.Exit)
		}
	})
}

// operator is who runs the scripts.
func operator() access.Caller {
	return access.Caller{Name: "egoadmin", Face: "hostfactory", Role: access.Operator}
}

func TestWhoMayNotIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld()
	before := len(w.requests)
	face := &hostfactory.Face{Commands: w, Queries: w, Caller: access.Caller{Name: "ann", Face: "hostfactory", Role: access.Viewer}}
	reply := face.Answer(t.Context(), hostfactory.RequestMachines, []byte(`{"template":{"templateId":"t","machineCount":1}}`))
	want := `{"message":"requests.create needs the role operator, and ann has viewer; ask an administrator for it"}` + "\n"
	if string(reply.Body) != want || reply.Exit != 1 || len(w.requests) != before {
		t.Errorf("answer %q, exit %d, %d requests; want %q, 1 and %d", reply.Body, reply.Exit, len(w.requests), want, before)
	}
}
