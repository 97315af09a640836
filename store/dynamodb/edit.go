package dynamodb

import (
	"fmt"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// edit is a head that is being changed.
type edit struct {
	head
	before  *head // nil: there was none
	groups  [][]ohfp.Machine
	changed []bool // beside groups
	at      map[string]machinePlace
	request *ohfp.Request // when it is to be written
}

type machinePlace struct{ group, index int }

func placeKey(m ohfp.Machine) string { return m.Provider + "\x00" + string(m.ID) }

// find says where a machine is.
func (e *edit) find(m ohfp.Machine) (machinePlace, bool) {
	if e.at == nil {
		e.at = map[string]machinePlace{}
		for g, group := range e.groups {
			for i, known := range group {
				e.at[placeKey(known)] = machinePlace{g, i}
			}
		}
	}
	at, ok := e.at[placeKey(m)]
	return at, ok
}

// Machines of a request are kept in its head while they are few. Of many, a change writes only the chunks that it is in.
const (
	inHead      = 96        // machines, of about 80 bytes each when they are compressed
	inChunk     = 256       // machines
	plainBelow  = 256 << 10 // bytes of machines in a chunk before they are compressed: never too much for an item
	docInHead   = 64 << 10  // bytes of the request, compressed
	machineSize = 600       // bytes that a machine takes beside its texts
)

// place puts a machine into the request that launched it.
func (e *edit) place(m ohfp.Machine) {
	if at, ok := e.find(m); ok {
		e.groups[at.group][at.index] = m
		e.changed[at.group] = true
		return
	}
	last := len(e.groups) - 1
	if last < 0 || len(e.groups[last]) >= inChunk {
		e.groups, e.changed = append(e.groups, nil), append(e.changed, true)
		last++
	}
	e.groups[last] = append(e.groups[last], m)
	e.changed[last] = true
	e.at[placeKey(m)] = machinePlace{last, len(e.groups[last]) - 1}
}

// plainSize is about what a machine takes before compression.
func plainSize(m ohfp.Machine) int {
	return machineSize + len(m.Tags) + len(m.StateReason) + len(m.Name) + len(m.Resource) + len(m.Image)
}

// pack encodes what was changed.
func (e *edit) pack(d *draft) error {
	if slices.Contains(e.changed, true) {
		if err := e.packMachines(d); err != nil {
			return err
		}
		e.states, e.noticed = statesOf(e.groups), noticedIn(e.groups)
	}
	if e.request == nil {
		return nil
	}
	r := *e.request
	r.Machines = nil // they are kept beside it
	doc, err := pack(store.CopyRequest(r))
	if err != nil {
		return err
	}
	e.retire(d, e.docs)
	e.doc, e.docs = doc, nil
	if len(doc) > docInHead {
		e.doc = nil
		for _, piece := range split(doc, pieceSize) {
			i := e.chunk(d, "doc", len(e.docs))
			i.setBytes("doc", piece)
			e.docs = append(e.docs, i.text(sortKey))
		}
	}
	return nil
}

// chunk makes an item beside the head.
func (e *edit) chunk(d *draft, what string, n int) item {
	i := chunkKey(e.id, fmt.Sprintf("%s.%s.%04d", d.tx, what, n)).item()
	d.chunks = append(d.chunks, i)
	return i
}

func (e *edit) packMachines(d *draft) (err error) {
	total, size := 0, 0
	for _, group := range e.groups {
		total += len(group)
		for _, m := range group {
			size += plainSize(m)
		}
	}
	if total <= inHead && size <= plainBelow/4 {
		e.retire(d, e.chunks)
		e.chunks = nil
		e.held, err = packMachines(slices.Concat(e.groups...))
		return err
	}
	e.held = nil
	var names []string
	made := 0
	for at, group := range e.groups {
		if !e.changed[at] && at < len(e.chunks) {
			names = append(names, e.chunks[at])
			continue
		}
		for len(group) > 0 {
			n, room := 0, plainBelow
			for n < len(group) && n < inChunk && (n == 0 || plainSize(group[n]) <= room) {
				room -= plainSize(group[n])
				n++
			}
			packed, err := packMachines(group[:n])
			if err != nil {
				return err
			}
			i := e.chunk(d, "held", made)
			made++
			i.setBytes("held", packed)
			names, group = append(names, i.text(sortKey)), group[n:]
		}
	}
	var left []string
	for _, name := range e.chunks {
		if !slices.Contains(names, name) {
			left = append(left, name)
		}
	}
	e.retire(d, left)
	e.chunks = names
	return nil
}

// Chunks that a commit no longer refers to are kept for a while, for those who are reading, and removed with a later change of
// the same request.
const keptFor = 10 * time.Minute

// retire notes that chunks are no longer referred to.
func (e *edit) retire(d *draft, names []string) {
	for _, name := range names {
		e.retired = append(e.retired, d.tx[:stampSize]+" "+name)
	}
}

const stampSize = 13 // digits of milliseconds since 1970

// sweep takes chunks off the list that nobody can be reading any longer.
func (e *edit) sweep(d *draft, now time.Time) {
	limit := fmt.Sprintf("%013d", now.Add(-keptFor).UnixMilli())
	e.retired = slices.DeleteFunc(e.retired, func(one string) bool {
		old := one[:stampSize] < limit
		if old {
			d.old = append(d.old, chunkKey(e.id, one[stampSize+1:]))
		}
		return old
	})
}
