package aws_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

// blank stands before a cloud and answers DescribeInstances with an empty list while it is on.
type blank struct {
	next http.Handler
	on   atomic.Bool
}

func (b *blank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(sent))
	if form, _ := url.ParseQuery(string(sent)); b.on.Load() && form.Get("Action") == "DescribeInstances" {
		_, _ = io.WriteString(w, `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>x</requestId><reservationSet/></DescribeInstancesResponse>`)
		return
	}
	b.next.ServeHTTP(w, r)
}

// TestEmptyListingMeansNothing: an account that suddenly seems empty is not believed, machines that EC2 denies by name are.
func TestEmptyListingMeansNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	b := &blank{next: w.fault}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	p := w.open(t, `{"endpoint_url": "`+server.URL+`"}`)
	a := ask(template("RunInstances", plain), 250)
	_, launched := launch(t, p, a)
	scope := provider.Scope{Request: a.Request, Resources: []string{launched.Resource}, Machines: ids(launched.Machines)}
	look := func() provider.Observation {
		t.Helper()
		seen, err := p.Observe(t.Context(), []provider.Scope{scope})
		if seen.Complete != (err == nil) {
			t.Errorf("complete %t with error %v", seen.Complete, err)
		}
		return seen
	}
	b.on.Store(true)
	if seen := look(); seen.Complete || len(seen.Machines) != 0 {
		t.Errorf("an empty listing shows %d machines, complete %t", len(seen.Machines), seen.Complete)
	}
	b.on.Store(false)
	if seen := look(); !seen.Complete || len(seen.Machines) != 250 {
		t.Errorf("the next look shows %d machines, complete %t", len(seen.Machines), seen.Complete)
	}
	if err := w.Cloud.Terminate(names(scope.Machines[:130])...); err != nil {
		t.Fatal(err)
	}
	w.advance(2 * time.Hour) // EC2 has forgotten them
	w.ResetLedger()
	if seen := look(); !seen.Complete || !slices.Equal(ids(seen.Machines), scope.Machines[130:]) {
		t.Errorf("of 120 that are left %d are shown, complete %t", len(seen.Machines), seen.Complete)
	}
	denied := 0
	for _, call := range w.Ledger() {
		if call.Code == "InvalidInstanceID.NotFound" {
			denied++
		}
	}
	if denied != 2 || strings.Count(strings.Join(w.actions(), " "), "Describe") > 4 {
		t.Errorf("calls %v, of which %d denied machines; want 2", w.actions(), denied)
	}
	// A machine that does not exist spoils nothing.
	scope.Machines = append(scope.Machines[130:], ohfp.MachineID("i-0123456789abcdef0"))
	if seen := look(); !seen.Complete || len(seen.Machines) != 120 {
		t.Errorf("%d are shown, complete %t", len(seen.Machines), seen.Complete)
	}
}
