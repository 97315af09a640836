package dynamodb

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// entry is one commit in the log: everything that it changed, and what has been true of the whole store since.
type entry struct {
	number int64  // from 1, without gaps
	before int64  // events in the log before this entry
	last   int64  // events in the log up to and with this entry: the sequence of the newest
	tx     string // who wrote it: random, so that a writer knows its own entry again
	at     time.Time
	root   root
	fresh  bool // it brought machines that were not known

	heads     []*head
	moved     []bool   // beside heads: the row differs from the one before
	gone      []string // beside heads: the place in the list that it has left, or ""
	templates []template
	told      []byte // the events, packed
	count     int64  // of the events, without those that compaction has removed
	rev       string // of the events: compaction changes it with them
	parts     int    // of the state, when that is too large for the entry
	toldParts int    // of the events
}

// root is what is true of the store as a whole. Each entry has all of it, so that it is read and changed with the log.
type root struct {
	Used      store.Usage            `json:"used"`
	Leases    map[string]store.Lease `json:"leases,omitempty"`
	Token     int64                  `json:"token,omitempty"`     // of the lease that changed its holder last
	Positions map[string]int64       `json:"positions,omitempty"` // of those who follow the events
	Swept     string                 `json:"swept,omitempty"`     // entries up to this one are cleared of what only concerned the moment
}

// copied may be changed without changing the root that it comes from.
func (r root) copied() root {
	r.Used = copyUsage(r.Used)
	leases, positions := make(map[string]store.Lease, len(r.Leases)+1), make(map[string]int64, len(r.Positions)+1)
	maps.Copy(leases, r.Leases)
	maps.Copy(positions, r.Positions)
	r.Leases, r.Positions = leases, positions
	return r
}

// schema is the number of how records are laid out. It rises when an older program can no longer understand them.
const schema = 1

const logPartition = "log"

// place is the key of an entry in the order of the log. It grows with the events before it, so that the entry with an
// event is found by the event's sequence; and it follows from the entry before, so that two writers who saw the same
// newest entry try to make the same item, of which DynamoDB makes one.
func place(before, number int64) string { return fmt.Sprintf("%016d.%016d", before, number) }

func (e *entry) key() key { return key{logPartition, place(e.before, e.number)} }

// Room in an item, of which DynamoDB takes 400 KB.
const (
	inEntry   = 120 << 10 // of state, and of events
	pieceSize = 300 << 10
)

// template is a template of the store's own, or what is left of one.
type template struct {
	id     ohfp.TemplateID
	doc    []byte // packed; empty when it was deleted
	number int64
}

func (t template) item() item {
	i := item{}
	i.setText("id", string(t.id))
	i.setBytes("doc", t.doc)
	i.setNumber("n", t.number)
	return i
}

func templateOf(i item) template {
	return template{ohfp.TemplateID(i.text("id")), i.bytes("doc"), i.number("n")}
}

// state is what the entry changed, as items.
func (e *entry) state() []item {
	var list []item
	for at, h := range e.heads {
		i := h.item()
		i.setFlag("moved", e.moved[at])
		i.setText("gone", e.gone[at])
		list = append(list, i)
	}
	for _, t := range e.templates {
		i := t.item()
		i.setFlag("template", true)
		list = append(list, i)
	}
	return list
}

func (e *entry) setState(list []item) {
	for _, i := range list {
		if i.flag("template") {
			e.templates = append(e.templates, templateOf(i))
			continue
		}
		h := headOf(i)
		h.number = e.number
		e.heads, e.moved, e.gone = append(e.heads, h), append(e.moved, i.flag("moved")), append(e.gone, i.text("gone"))
	}
	for at := range e.templates {
		e.templates[at].number = e.number
	}
}

// items are the item of the entry, and the parts that are to be written before it because there is no room in it.
func (e *entry) items() (item, []item, error) {
	i := e.key().item()
	i.setNumber("n", e.number)
	i.setText("tx", e.tx)
	i.setNumber("stamp", e.at.UnixNano())
	i.setNumber("newest", e.last)
	i.setFlag("fresh", e.fresh)
	i.setNumber("schema", schema)
	packed, err := pack(e.root)
	if err != nil {
		return nil, nil, err
	}
	i.setBytes("root", packed)
	i.setNumber("tally", e.count)
	i.setText("rev", e.rev)
	var parts []item
	state := e.state()
	size := 0
	for _, one := range state {
		size += one.size()
	}
	if size <= inEntry {
		i.setItems("heads", state)
	} else {
		for len(state) > 0 {
			n, room := 0, pieceSize
			for n < len(state) && (n == 0 || state[n].size() <= room) {
				room -= state[n].size() + 8
				n++
			}
			part := statePart(e.tx, e.parts).item()
			part.setItems("heads", state[:n])
			parts, state = append(parts, part), state[n:]
			e.parts++
		}
		i.setNumber("parts", int64(e.parts))
	}
	if len(e.told) <= inEntry {
		i.setBytes("told", e.told)
		return i, parts, nil
	}
	told := e.toldItems()
	e.toldParts = len(told)
	i.setNumber("toldparts", int64(e.toldParts))
	return i, append(parts, told...), nil
}

// toldItems are the events as items beside the entry.
func (e *entry) toldItems() []item {
	var parts []item
	for n, piece := range split(e.told, pieceSize) {
		part := e.toldPart(n).item()
		part.setBytes("told", piece)
		parts = append(parts, part)
	}
	return parts
}

// onlyTold are the attributes that a look for events needs.
const onlyTold = "pk, sk, n, tx, stamp, newest, told, toldparts, rev, tally"

func statePart(tx string, n int) key { return key{"part#" + tx, fmt.Sprintf("state.%04d", n)} }

func (e *entry) toldPart(n int) key {
	return key{"part#" + e.tx, fmt.Sprintf("told.%s.%04d", e.rev, n)}
}

// entryOf reads an entry from its item, without the parts.
func entryOf(i item) (*entry, error) {
	e := &entry{
		number: i.number("n"), last: i.number("newest"), tx: i.text("tx"), at: time.Unix(0, i.number("stamp")),
		fresh: i.flag("fresh"), told: i.bytes("told"), count: i.number("tally"), rev: i.text("rev"),
		parts: int(i.number("parts")), toldParts: int(i.number("toldparts")),
	}
	before, _, _ := strings.Cut(i.text(sortKey), ".")
	var err error
	if e.before, err = strconv.ParseInt(before, 10, 64); err != nil {
		return nil, fmt.Errorf("log entry %s: %w", i.text(sortKey), errPacked)
	}
	if known := i.number("schema"); known > schema {
		return nil, ohfp.Errorf(ohfp.ErrConflict, "the store in DynamoDB was written by a newer ohfp (schema %d, this one knows %d); upgrade ohfp", known, schema)
	}
	if packed := i.bytes("root"); len(packed) > 0 {
		if e.root, err = unpack[root](packed); err != nil {
			return nil, err
		}
	}
	e.setState(i.items("heads"))
	return e, nil
}

// complete reads the parts of an entry's state. It fails with errMoved when they have been cleared away.
func (e *entry) complete(ctx context.Context, t *table) error {
	if e.parts == 0 || len(e.heads)+len(e.templates) > 0 {
		return nil
	}
	keys := make([]key, e.parts)
	for n := range keys {
		keys[n] = statePart(e.tx, n)
	}
	found, err := t.getAll(ctx, keys)
	if err != nil {
		return err
	}
	for _, k := range keys {
		part, ok := found[k]
		if !ok {
			return errMoved
		}
		e.setState(part.items("heads"))
	}
	return nil
}

// events reads the events of an entry.
func (e *entry) events(ctx context.Context, t *table) (told, error) {
	if e.count == 0 {
		return told{}, nil
	}
	packed := e.told
	if e.toldParts > 0 {
		keys := make([]key, e.toldParts)
		for n := range keys {
			keys[n] = e.toldPart(n)
		}
		found, err := t.getAll(ctx, keys)
		if err != nil {
			return told{}, err
		}
		packed = nil
		for _, k := range keys {
			part, ok := found[k]
			if !ok {
				return told{}, errMoved // compaction has written them again
			}
			packed = append(packed, part.bytes("told")...)
		}
	}
	record, err := unpack[told](packed)
	if err != nil {
		return told{}, fmt.Errorf("events of log entry %d: %w", e.number, err)
	}
	return record, nil
}
