package aws_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

const spotTemplate = `{"imageId": "` + image + `", "vmType": "m5.large", "subnetId": "` + subnetA + `", "priceType": "spot"}`

func interrupter(tb testing.TB, p provider.Provider) provider.Interrupter {
	tb.Helper()
	i, ok := p.(provider.Interrupter)
	if !ok {
		tb.Fatal("the provider tells of no interruptions")
	}
	return i
}

func names(machines []ohfp.MachineID) []string {
	out := make([]string, len(machines))
	for i, id := range machines {
		out[i] = string(id)
	}
	return out
}

// TestPolledInterruptions asks EC2 which of more machines than a page holds it takes.
func TestPolledInterruptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	_, launched := launch(t, p, ask(template("RunInstances", spotTemplate), 800))
	w.advance(10 * time.Minute) // EC2 gives so many machines at once only rarely
	_, more := launch(t, p, ask(template("RunInstances", spotTemplate), 800))
	all := ids(append(launched.Machines, more.Machines...))
	taken := all[:1200]
	if err := w.Interrupt(2*time.Minute, names(taken)...); err != nil {
		t.Fatal(err)
	}
	w.advance(10 * time.Second)
	w.ResetLedger()
	notices, err := interrupter(t, p).Interruptions(t.Context(), ohfp.NoticeSpot)
	if err != nil {
		t.Fatal(err)
	}
	if calls := w.actions(); !slices.Equal(calls, []string{"DescribeSpotInstanceRequests", "DescribeSpotInstanceRequests"}) {
		t.Errorf("called %v, want two pages", calls)
	}
	var found []ohfp.MachineID
	for _, n := range notices {
		found = append(found, n.Machine)
		if left := n.Due.Sub(w.now()); n.Kind != ohfp.NoticeSpot || n.Withdrawn || left != 110*time.Second {
			t.Fatalf("notice %+v, %s left", n, left)
		}
	}
	if slices.Sort(found); !slices.Equal(found, taken) {
		t.Errorf("%d machines are taken, want %d", len(found), len(taken))
	}
	// What has ended is not about to end.
	w.advance(5 * time.Minute)
	if notices, err := interrupter(t, p).Interruptions(t.Context(), ohfp.NoticeSpot); err != nil || len(notices) != 0 {
		t.Errorf("%d notices after the end, error %v", len(notices), err)
	}
	// What arrived before a page failed is told beside the error.
	if err := w.Interrupt(2*time.Minute, names(all[1200:])...); err != nil {
		t.Fatal(err)
	}
	if err := w.FailNext("DescribeSpotInstanceRequests", "RequestLimitExceeded", 1); err != nil {
		t.Fatal(err)
	}
	if notices, err := interrupter(t, p).Interruptions(t.Context(), ohfp.NoticeSpot); !errors.Is(err, ohfp.ErrThrottled) || len(notices) != 0 {
		t.Errorf("%d notices, error %v; want it throttled", len(notices), err)
	}
}

func TestPolledMaintenance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	_, launched := launch(t, p, ask(template("RunInstances", plain), 3))
	all := ids(launched.Machines)
	first, second := w.now().Add(24*time.Hour), w.now().Add(48*time.Hour)
	for _, err := range []error{
		w.Schedule("system-reboot", first, string(all[0])), w.Schedule("instance-retirement", second, string(all[0])),
		w.Schedule("instance-stop", first, string(all[1])), w.Unschedule(string(all[1])),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	notices, err := interrupter(t, p).Interruptions(t.Context(), ohfp.NoticeMaintenance)
	if err != nil || len(notices) != 2 {
		t.Fatalf("notices %+v, error %v", notices, err)
	}
	slices.SortFunc(notices, func(a, b provider.Notice) int { return strings.Compare(string(a.Machine), string(b.Machine)) })
	if n := notices[0]; n.Machine != all[0] || n.Withdrawn || !n.Due.Equal(first) || n.Text != "EC2 has scheduled system-reboot" {
		t.Errorf("notice %+v", n)
	}
	if n := notices[1]; n.Machine != all[1] || !n.Withdrawn {
		t.Errorf("notice %+v", n)
	}
	if _, err := interrupter(t, p).Interruptions(t.Context(), ohfp.NoticeDrain); err == nil {
		t.Error("EC2 was asked for what operators order")
	}
}

// listener takes what is received, and fails to when told so.
type listener struct {
	mutex  sync.Mutex
	taken  map[ohfp.MachineID]int
	fail   error
	groups int
	all    chan struct{} // closed when want machines were taken
	want   int
}

func (l *listener) take(_ context.Context, notices []provider.Notice) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.groups++
	if l.fail != nil {
		return l.fail
	}
	for _, n := range notices {
		l.taken[n.Machine]++
	}
	if len(l.taken) >= l.want {
		select {
		case <-l.all:
		default:
			close(l.all)
		}
	}
	return nil
}

func newListener(want int) *listener {
	return &listener{taken: map[ohfp.MachineID]int{}, all: make(chan struct{}), want: want}
}

// TestReceivedInterruptions puts hundreds of warnings, duplicates and nonsense into the queue. All warnings are taken,
// few at a time, and nothing is left.
func TestReceivedInterruptions(t *testing.T) {
	t.Parallel()
	const count = 400
	w := newWorld(t, awssim.Options{InterruptionQueue: "taken"})
	p := w.open(t, `{"interruption_queue": "taken"}`)
	_, launched := launch(t, p, ask(template("RunInstances", spotTemplate), count))
	if err := w.Interrupt(2*time.Minute, names(ids(launched.Machines))...); err != nil {
		t.Fatal(err)
	}
	for i, body := range w.Queue("taken")[:100] {
		w.Send("taken", body)
		w.Send("taken", fmt.Sprintf("poison %d", i))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l := newListener(count)
	ended := make(chan error, 1)
	go func() { ended <- interrupter(t, p).Receive(ctx, l.take) }()
	select {
	case <-l.all:
	case err := <-ended:
		t.Fatalf("it stopped listening: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatalf("only %d machines were taken", len(l.taken))
	}
	deadline := time.Now().Add(10 * time.Second)
	for len(w.Queue("taken")) > 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("told to stop, it ended with %v", err)
	}
	if left := w.Queue("taken"); len(left) > 0 {
		t.Errorf("%d messages are left", len(left))
	}
	if l.groups > 20 {
		t.Errorf("%d notices were handed on in %d groups", count, l.groups)
	}
}

// TestNothingIsDeletedUnstored: as long as notices cannot be stored, their messages stay.
func TestNothingIsDeletedUnstored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{InterruptionQueue: "taken"})
	p := w.open(t, `{"interruption_queue": "https://sqs.us-east-1.amazonaws.com/123456789012/taken"}`)
	_, launched := launch(t, p, ask(template("RunInstances", spotTemplate), 5))
	if err := w.Interrupt(2*time.Minute, names(ids(launched.Machines))...); err != nil {
		t.Fatal(err)
	}
	l := newListener(5)
	l.fail = errors.New("the disk is full")
	if err := interrupter(t, p).Receive(t.Context(), l.take); !errors.Is(err, l.fail) {
		t.Errorf("it ended with %v, want %v", err, l.fail)
	}
	if left := w.Queue("taken"); len(left) != 5 {
		t.Fatalf("%d messages are left, want 5", len(left))
	}
	l.fail = nil
	w.advance(time.Minute) // they show again
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { <-l.all; stop() }()
	if err := interrupter(t, p).Receive(ctx, l.take); err != nil {
		t.Error(err)
	}
	if left := w.Queue("taken"); len(left) != 0 || len(l.taken) != 5 {
		t.Errorf("%d messages are left, %d machines taken", len(left), len(l.taken))
	}
}

func TestReceiveEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	if err := interrupter(t, w.open(t)).Receive(t.Context(), newListener(1).take); err != nil || len(w.Ledger()) > 0 {
		t.Errorf("without a queue: %v, calls %v", err, w.actions())
	}
	err := interrupter(t, w.open(t, `{"interruption_queue": "none"}`)).Receive(t.Context(), newListener(1).take)
	if err == nil || !strings.HasPrefix(err.Error(), "interruption_queue none: ") {
		t.Errorf("a queue that does not exist: %v", err)
	}
	w.Send("there", "x")
	if err := w.FailNext("ReceiveMessage", "AccessDenied", -1); err != nil {
		t.Fatal(err)
	}
	err = interrupter(t, w.open(t, `{"interruption_queue": "there"}`)).Receive(t.Context(), newListener(1).take)
	if !errors.Is(err, ohfp.ErrDenied) {
		t.Errorf("a queue that may not be read: %v", err)
	}
}
