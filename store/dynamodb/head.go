package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
)

// head is a request as it is kept: the request, and the machines that it launched. A head that is not there holds
// machines whose request is not in the store, or the names of requests whose machines a return has that is not.
type head struct {
	row
	removed bool  // by compaction, which is all that is left of it
	number  int64 // of the commit that wrote it
	version int64
	units   int              // what it counts against limits
	cost    ohfp.Cost        // likewise
	with    string           // the provider that they count for
	doc     []byte           // the request, packed; empty when it is in chunks
	docs    []string         // the chunks that it is in
	held    []byte           // the machines, packed; empty when they are in chunks
	chunks  []string         // the chunks that they are in, one group in each
	from    []ohfp.RequestID // of a return: the requests that launched its machines, and perhaps some more
	retired []string         // chunks that are no longer referred to, until they are removed
}

// row is what a request is found by in a list.
type row struct {
	id       ohfp.RequestID
	there    bool // the request itself is stored
	kind     ohfp.RequestType
	status   ohfp.Status
	template ohfp.TemplateID
	created  string // the time, so that it sorts
	settled  bool
	states   string // of its machines, each between commas
	noticed  bool   // the cloud takes some of its machines back
}

// open says whether there may be something to do about the request or its machines.
func (r row) open() bool {
	if r.there && !r.settled || r.noticed {
		return true
	}
	for state := range strings.SplitSeq(r.states, ",") {
		if state != "" && state != string(ohfp.MachineTerminated) {
			return true
		}
	}
	return strings.Contains(r.states, ",,") // of a state that nobody knows yet
}

// listKey is the place of a row in the list of all.
func (r row) listKey() string { return r.created + "#" + string(r.id) }

// has says whether a machine of the request is in one of the states.
func (r row) has(states []ohfp.MachineState) bool {
	return len(states) == 0 || slices.ContainsFunc(states, func(s ohfp.MachineState) bool { return strings.Contains(r.states, ","+string(s)+",") })
}

func noticedIn(groups [][]ohfp.Machine) bool {
	return slices.ContainsFunc(groups, func(machines []ohfp.Machine) bool { return slices.ContainsFunc(machines, ohfp.Machine.Noticed) })
}

func statesOf(groups [][]ohfp.Machine) string {
	seen := map[ohfp.MachineState]bool{}
	for _, machines := range groups {
		for _, m := range machines {
			seen[m.State] = true
		}
	}
	if len(seen) == 0 {
		return ""
	}
	var list []string
	for state := range seen {
		list = append(list, string(state))
	}
	slices.Sort(list)
	return "," + strings.Join(list, ",") + ","
}

// stamp is a time as text that sorts, also before 1970. None is 1970.
func stamp(t time.Time) string {
	var nanoseconds int64
	if !t.IsZero() {
		nanoseconds = t.UnixNano()
	}
	return fmt.Sprintf("%016x", uint64(nanoseconds)^1<<63)
}

func headKey(id ohfp.RequestID) key { return key{"request#" + string(id), single} }

// putInto writes the row into an item.
func (r row) putInto(i item) {
	i.setText("id", string(r.id))
	i.setFlag("there", r.there)
	i.setText("type", string(r.kind))
	i.setText("state", string(r.status))
	i.setText("tmpl", string(r.template))
	i.setText("created", r.created)
	i.setFlag("settled", r.settled)
	i.setText("states", r.states)
	i.setFlag("noticed", r.noticed)
}

func rowOf(i item) row {
	return row{
		id: ohfp.RequestID(i.text("id")), there: i.flag("there"), kind: ohfp.RequestType(i.text("type")),
		status: ohfp.Status(i.text("state")), template: ohfp.TemplateID(i.text("tmpl")), created: i.text("created"),
		settled: i.flag("settled"), states: i.text("states"), noticed: i.flag("noticed"),
	}
}

// item is the head without a key.
func (h *head) item() item {
	i := item{}
	h.putInto(i)
	i.setFlag("removed", h.removed)
	i.setNumber("n", h.number)
	i.setNumber("version", h.version)
	i.setNumber("units", int64(h.units))
	i.setNumber("vcpus", int64(h.cost.VCPUs))
	i.setNumber("price", int64(h.cost.Price))
	i.setText("prov", h.with)
	i.setBytes("doc", h.doc)
	setTexts(i, "docs", h.docs)
	i.setBytes("held", h.held)
	setTexts(i, "chunks", h.chunks)
	setTexts(i, "origins", h.from)
	setTexts(i, "retired", h.retired)
	return i
}

func headOf(i item) *head {
	return &head{
		row: rowOf(i), removed: i.flag("removed"), number: i.number("n"), version: i.number("version"), units: int(i.number("units")),
		cost: ohfp.Cost{VCPUs: int(i.number("vcpus")), Price: ohfp.Price(i.number("price"))}, with: i.text("prov"),
		doc: i.bytes("doc"), docs: texts[string](i, "docs"), held: i.bytes("held"), chunks: texts[string](i, "chunks"),
		from: texts[ohfp.RequestID](i, "origins"), retired: texts[string](i, "retired"),
	}
}

// kept is a machine as it is stored.
type kept struct {
	Version int64        `json:"v"`
	Machine ohfp.Machine `json:"m"`
}

func packMachines(machines []ohfp.Machine) ([]byte, error) {
	list := make([]kept, len(machines))
	for i, m := range machines {
		list[i] = kept{m.Version, m}
	}
	return pack(list)
}

func unpackMachines(packed []byte) ([]ohfp.Machine, error) {
	list, err := unpack[[]kept](packed)
	if err != nil {
		return nil, err
	}
	machines := make([]ohfp.Machine, len(list))
	for i, k := range list {
		machines[i] = k.Machine
		machines[i].Version = k.Version
	}
	return machines, nil
}

// chunkKey is the key of a part of a request that is too large for its head.
func chunkKey(id ohfp.RequestID, name string) key { return key{"chunk#" + string(id), name} }
