package hostfactory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// world is commands and queries over requests in memory, without a cloud: a request is complete when it is asked for.
type world struct {
	chores   int // how often somebody had time for them
	mu       sync.Mutex
	views    []query.TemplateView
	problems []string
	requests map[ohfp.RequestID]ohfp.Request
	taken    []query.Reclaimed
	made     int
	answered []ohfp.RequestID
	reported []ohfp.RequestID
	reader   ohfp.Origin
	synced   []command.SyncRequests
	named    [][]command.Named // the lists of hosts that came

	sync    error // what SyncRequests says
	refuse  error // what RequestMachines and ReturnMachines say
	listing error // what the queries say
}

func acquireID(n int) ohfp.RequestID {
	return ohfp.RequestID(fmt.Sprintf("req-00000000-0000-7000-8000-%012d", n))
}

func returnID(n int) ohfp.RequestID {
	return ohfp.RequestID(fmt.Sprintf("ret-00000000-0000-7000-8000-%012d", n))
}

// ready is a machine as EC2 shows one that runs.
func ready(n int) ohfp.Machine {
	return ohfp.Machine{
		Provider: "aws", ID: ohfp.MachineID(fmt.Sprintf("i-%017x", n)), State: ohfp.MachineRunning,
		Name: fmt.Sprintf("ip-10-0-57-%d.ec2.internal", n), PrivateIP: fmt.Sprintf("10.0.57.%d", n),
		Type: "m5.xlarge", Lifecycle: ohfp.OnDemand, Tags: "team=grid;cost=<1 & 2>", Weight: 1,
		LaunchedAt: noon, DeliveredAt: noon.Add(30 * time.Second),
	}
}

func with(m ohfp.Machine, change func(*ohfp.Machine)) ohfp.Machine {
	change(&m)
	return m
}

func pending(n int) ohfp.Machine {
	return with(ready(n), func(m *ohfp.Machine) {
		m.State, m.Name, m.PrivateIP, m.DeliveredAt = ohfp.MachinePending, "", "", time.Time{}
	})
}

func ended(n int, reason ohfp.Reason, back ohfp.RequestID) ohfp.Machine {
	return with(ready(n), func(m *ohfp.Machine) {
		m.State, m.Ending, m.Return, m.TerminatedAt = ohfp.MachineTerminated, reason, back, noon.Add(time.Hour)
		if reason == ohfp.ReasonSpare || reason == ohfp.ReasonLate {
			m.DeliveredAt = time.Time{}
		}
	})
}

func newWorld() *world {
	w := &world{
		requests: map[ohfp.RequestID]ohfp.Request{},
		views: []query.TemplateView{
			{
				Template: ohfp.Template{
					ID: "Template-VM-1", MaxNumber: 10,
					Attributes: map[string]ohfp.Attribute{"nram": ohfp.Numeric(15000), "rank": ohfp.Numeric(0)},
				},
				Attributes: map[string]ohfp.Attribute{
					"type": ohfp.Text("X86_64"), "ncores": ohfp.Numeric(1), "ncpus": ohfp.Numeric(4), "nram": ohfp.Numeric(16384),
				},
				Fields: map[string]any{
					"imageId": "ami-0abcdef1234567890", "vmType": "m5.xlarge", "instanceTags": "team=grid;cost=<1 & 2>",
					"maxNumber": "the provider may not have this name",
				},
			},
			{
				Template: ohfp.Template{ID: "spot_fleet", MaxNumber: ohfp.Unlimited},
				Attributes: map[string]ohfp.Attribute{
					"type": ohfp.Text("aarch64"), "ncores": ohfp.Numeric(1), "ncpus": ohfp.Numeric(2), "nram": ohfp.Numeric(4096),
				},
				Fields: map[string]any{"vmTypes": map[string]int{"c6g.large": 1, "t4g.medium": 2}, "pgrpName": "close together"},
			},
			{
				Template: ohfp.Template{ID: "closed", MaxNumber: 0},
				Attributes: map[string]ohfp.Attribute{
					"type": ohfp.Text("X86_64"), "ncores": ohfp.Numeric(1), "ncpus": ohfp.Numeric(2), "nram": ohfp.Numeric(4096),
				},
			},
		},
		problems: []string{"template broken:\nits vmType is missing"},
		taken: []query.Reclaimed{
			{Machine: "i-00000000000000051", Name: "ip-10-0-57-81.ec2.internal", Grace: 119*time.Second + 900*time.Millisecond},
			{Machine: "i-00000000000000052", Name: "ip-10-0-57-82.ec2.internal", Grace: -time.Second},
			{Machine: "i-00000000000000053", Name: "ip-10-0-57-82.ec2.internal", Grace: time.Minute},
		},
	}
	w.addAcquires()
	w.addReturns()
	return w
}

func (w *world) addAcquires() {
	w.acquire(1, ohfp.StatusPending, 2, "")
	w.acquire(2, ohfp.StatusInProgress, 4, "",
		ready(21),
		pending(22),
		with(pending(23), func(m *ohfp.Machine) { m.State, m.PrivateIP = ohfp.MachineRunning, "10.0.57.23" }),
		with(pending(24), func(m *ohfp.Machine) {
			m.State, m.StateReason = ohfp.MachineTerminated, "Server.InternalError:\n\tInternal error on launch"
		}),
		ended(25, ohfp.ReasonSpare, ""),
	)
	w.acquire(3, ohfp.StatusComplete, 2, "", ready(31), with(ready(32), func(m *ohfp.Machine) {
		m.PublicIP, m.Lifecycle = "203.0.113.7", ohfp.Spot
	}), ended(33, ohfp.ReasonLate, ""))
	w.acquire(4, ohfp.StatusComplete, 2, "", ended(41, ohfp.ReasonReturned, returnID(12)), with(ready(42), func(m *ohfp.Machine) {
		m.State, m.Ending, m.Return = ohfp.MachineShuttingDown, ohfp.ReasonReturned, returnID(11)
	}))
	w.acquire(5, ohfp.StatusPartial, 3, "1 of 3 delivered; m5.xlarge in us-east-1a: InsufficientInstanceCapacity: There is no Spot capacity.",
		ready(51), with(pending(52), func(m *ohfp.Machine) { m.Ending, m.State = ohfp.ReasonDeadline, ohfp.MachineShuttingDown }))
	w.acquire(6, ohfp.StatusFailed, 1, "0 of 1 delivered; InvalidAMIID.NotFound: The image id does not exist")
	w.acquire(7, ohfp.StatusTimeout, 1, "")
	w.acquire(8, ohfp.StatusCancelled, 2, "cancelled by root", with(ready(81), func(m *ohfp.Machine) {
		m.Ending, m.State = ohfp.ReasonCancelled, ohfp.MachineShuttingDown
	}))
	w.acquire(9, ohfp.StatusStopping, 1, "cancelled by root", with(pending(91), func(m *ohfp.Machine) { m.Ending = ohfp.ReasonCancelled }))
	w.acquire(10, ohfp.StatusComplete, 1, "", with(ready(101), func(m *ohfp.Machine) { // taken back by the cloud
		m.State, m.StateReason = ohfp.MachineTerminated, "Server.SpotInstanceTermination"
	}))
	w.acquire(11, ohfp.StatusComplete, 1, "", ended(111, ohfp.ReasonAbandoned, ""))
	w.acquire(12, ohfp.StatusInProgress, 1, "the cloud puts the launch off: RequestLimitExceeded")
}

func (w *world) addReturns() {
	w.giveBack(11, ohfp.StatusInProgress, "", nil,
		with(ready(42), func(m *ohfp.Machine) {
			m.Request, m.State, m.Ending, m.Return = acquireID(4), ohfp.MachineShuttingDown, ohfp.ReasonReturned, returnID(11)
		}),
		with(ready(31), func(m *ohfp.Machine) { m.Request, m.Ending, m.Return = acquireID(3), ohfp.ReasonReturned, returnID(11) }))
	w.giveBack(12, ohfp.StatusComplete, "", nil, with(ended(41, ohfp.ReasonReturned, returnID(12)), func(m *ohfp.Machine) { m.Request = acquireID(4) }))
	w.giveBack(13, ohfp.StatusPartial, "2 of 3 machines are not known", []ohfp.Unknown{
		{Machine: "i-0000000000000dead", Name: "ip-10-0-57-200.ec2.internal", Message: "machine i-0000000000000dead is not known here and was not touched"},
		{Name: "stranger", Message: "no machine named stranger is known here; nothing was touched"},
	}, with(ended(41, ohfp.ReasonReturned, returnID(13)), func(m *ohfp.Machine) { m.Request = acquireID(4) }))
}

func (w *world) acquire(n int, status ohfp.Status, count int, message string, machines ...ohfp.Machine) {
	id := acquireID(n)
	for i := range machines {
		machines[i].Request = id
	}
	w.requests[id] = ohfp.Request{
		ID: id, Type: ohfp.TypeAcquire, Count: count, Status: status, Message: message, CreatedAt: noon, Machines: machines,
	}
}

func (w *world) giveBack(n int, status ohfp.Status, message string, unknown []ohfp.Unknown, machines ...ohfp.Machine) {
	id := returnID(n)
	w.requests[id] = ohfp.Request{
		ID: id, Type: ohfp.TypeReturn, Count: len(machines) + len(unknown), Status: status, Message: message,
		CreatedAt: noon.Add(30 * time.Minute), Machines: machines, Unknown: unknown,
	}
}

func (w *world) RequestMachines(_ context.Context, in command.RequestMachines) (ohfp.Request, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		return ohfp.Request{}, w.refuse
	}
	i := slices.IndexFunc(w.views, func(v query.TemplateView) bool { return v.Template.ID == in.Template })
	if i < 0 {
		return ohfp.Request{}, ohfp.Errorf(ohfp.ErrNotFound, "template %s does not exist; see ohfp templates list", in.Template)
	}
	w.made++
	r, _, err := ohfp.NewAcquire(acquireID(1000+w.made), w.views[i].Template, in.Count, in.Origin, time.Minute, noon)
	if err != nil {
		return ohfp.Request{}, err
	}
	for n := range min(in.Count, 3) {
		r.Machines = append(r.Machines, ready(100+n))
	}
	r.Status = ohfp.StatusInProgress
	w.requests[r.ID] = r
	return r, nil
}

func (w *world) ReturnMachines(_ context.Context, in command.ReturnMachines) (ohfp.Request, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		return ohfp.Request{}, w.refuse
	}
	var known []ohfp.Machine
	var unknown []ohfp.Unknown
	for _, n := range in.Machines {
		if m, ok := w.find(n); ok {
			known = append(known, m)
		} else {
			unknown = append(unknown, ohfp.Unknown{Machine: n.ID, Name: n.Name, Message: fmt.Sprintf("machine %s%s is not known here", n.ID, n.Name)})
		}
	}
	w.made++
	r, _ := ohfp.NewReturn(returnID(1000+w.made), known, unknown, in.Origin, noon.Add(2*time.Hour))
	w.requests[r.ID] = r
	return r, nil
}

func (w *world) find(n command.Named) (ohfp.Machine, bool) {
	for _, r := range w.requests {
		for _, m := range r.Machines {
			if r.Type == ohfp.TypeAcquire && (m.ID == n.ID || n.ID == "" && m.Name == n.Name && n.Name != "") {
				return m, true
			}
		}
	}
	return ohfp.Machine{}, false
}

func (w *world) SyncRequests(_ context.Context, in command.SyncRequests) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.synced = append(w.synced, in)
	return w.sync
}

func (w *world) Reported(_ context.Context, told []ohfp.Request, reader ohfp.Origin) error {
	for _, r := range told {
		w.reported = append(w.reported, r.ID)
	}
	w.reader = reader
	return nil
}

func (w *world) Answered(_ context.Context, id ohfp.RequestID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered = append(w.answered, id)
	return nil
}

func (w *world) TemplateList(context.Context) ([]query.TemplateView, []string, error) {
	return w.views, slices.Clone(w.problems), w.listing
}

func (w *world) RequestStatus(ctx context.Context, ids []ohfp.RequestID) (found []ohfp.Request, unknown []ohfp.RequestID, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if r, ok := w.requests[id]; ok {
			found = append(found, r)
		} else {
			unknown = append(unknown, id)
		}
	}
	return found, unknown, w.listing
}

func (w *world) Reclaimed(_ context.Context, known []query.Named) ([]query.Reclaimed, error) {
	var named []query.Reclaimed
	for _, r := range w.taken {
		if len(known) == 0 || slices.ContainsFunc(known, func(n query.Named) bool {
			return n.ID == r.Machine || n.ID == "" && n.Name == r.Name
		}) {
			named = append(named, r)
		}
	}
	return named, w.listing
}

// troubles are the ways in which a golden file may ask for things to go wrong.
func (w *world) trouble(name string) error {
	unreachable := ohfp.Errorf(ohfp.ErrUnavailable, "DescribeInstances: RequestLimitExceeded:\nRequest limit exceeded.")
	switch name {
	case "cloud unreachable":
		w.sync = unreachable
	case "access denied":
		w.sync = fmt.Errorf("look at provider aws: %w", ohfp.Errorf(ohfp.ErrDenied, "DescribeInstances: UnauthorizedOperation: You are not authorized"))
	case "refused for good":
		w.refuse = ohfp.Errorf(ohfp.ErrInvalid, "request failed: InvalidAMIID.NotFound: The image id\n\t'[ami-1]' does not exist")
	case "store broken":
		w.refuse = ohfp.Errorf(ohfp.ErrUnavailable, "store request: disk I/O error")
		w.listing = ohfp.Errorf(ohfp.ErrUnavailable, "list machines: disk I/O error")
	case "no templates":
		w.views = nil
	case "nothing taken back":
		w.taken = nil
	default:
		return fmt.Errorf("no such trouble: %q", strings.TrimSpace(name))
	}
	return nil
}

// DoChores counts, so that a test sees who does them.
func (w *world) DoChores(context.Context) error {
	w.chores++
	return nil
}

func (w *world) HostsNamed(_ context.Context, known []command.Named) {
	w.named = append(w.named, known)
}
