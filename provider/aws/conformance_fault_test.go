package aws_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/openhostfactory/ohfp/provider/providertest"
)

// fault stands between the provider and the cloud.
type fault struct {
	next http.Handler

	mutex  sync.Mutex
	drop   int             // launches to carry out without answering
	cut    bool            // break reads off
	hang   chan struct{}   // launches wait until it is closed
	refuse string          // the code that launches are refused with
	spare  int             // launches that are refused with it; below 0: all
	stuck  map[string]bool // resources whose targets cannot be changed
	lose   map[string]int  // calls to carry out without answering, by action
	calls  providertest.Calls
}

// equip gives a harness what can be done from between the provider and any cloud.
func (f *fault) equip(h *providertest.Harness) {
	h.Throttle = func(n int) { f.set(func(f *fault) { f.refuse, f.spare = "RequestLimitExceeded", n }) }
	h.Deny = func(denied bool) {
		f.set(func(f *fault) { f.refuse, f.spare = "UnauthorizedOperation", map[bool]int{true: -1}[denied] })
	}
	h.DropReply = func() { f.set(func(f *fault) { f.drop = 1 }) }
	h.CutReads = func(cut bool) { f.set(func(f *fault) { f.cut = cut }) }
	h.Hang = func() func() {
		hang := make(chan struct{})
		f.set(func(f *fault) { f.hang = hang })
		return func() {
			f.set(func(f *fault) {
				if f.hang != nil {
					close(f.hang)
					f.hang = nil
				}
			})
		}
	}
	h.RefuseTargets = func(_ testing.TB, resource string, refused bool) {
		f.set(func(f *fault) { f.stuck = map[string]bool{resource: refused} })
	}
	h.Calls = func() providertest.Calls {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		return f.calls
	}
}

func (f *fault) set(change func(*fault)) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	change(f)
}

// launches says whether a call makes machines come.
func launches(action string) bool {
	return slices.Contains([]string{"RunInstances", "CreateFleet", "RequestSpotFleet", "CreateAutoScalingGroup"}, action)
}

// refusal is the code that a call is refused with, empty when it is not. It counts the call.
func (f *fault) refusal(action string, form url.Values) string {
	if strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "Get") {
		f.calls.Reading++
	} else {
		f.calls.Mutating++
	}
	for _, key := range []string{"FleetId", "SpotFleetRequestId", "AutoScalingGroupName"} {
		if (strings.HasPrefix(action, "Modify") || strings.HasPrefix(action, "Update")) && f.stuck[form.Get(key)] {
			return "UnauthorizedOperation"
		}
	}
	if !launches(action) || f.spare == 0 {
		return ""
	}
	f.spare = max(f.spare-1, -1)
	return f.refuse
}

func (f *fault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	form, _ := url.ParseQuery(string(sent))
	action := form.Get("Action")
	if _, target, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		action = target
	}
	f.mutex.Lock()
	refusal := f.refusal(action, form)
	hang, drop, cut := f.hang, launches(action) && f.drop > 0, f.cut && action == "DescribeInstances"
	if refusal != "" {
		drop = false
	}
	if drop {
		f.drop--
	}
	if f.lose[action] > 0 {
		f.lose[action]--
		drop = true
	}
	f.mutex.Unlock()
	if refusal != "" {
		w.WriteHeader(map[bool]int{true: http.StatusServiceUnavailable, false: http.StatusForbidden}[refusal == "RequestLimitExceeded"])
		_, _ = fmt.Fprintf(w, "<Response><Errors><Error><Code>%[1]s</Code><Message>not this one</Message></Error></Errors>"+
			"<Error><Code>%[1]s</Code><Message>not this one</Message></Error></Response>", refusal)
		return
	}
	if launches(action) && hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if !drop && !cut {
		f.next.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	f.next.ServeHTTP(answer, r)
	if cut {
		maps.Copy(w.Header(), answer.Header())
		w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
	}
	panic(http.ErrAbortHandler)
}
