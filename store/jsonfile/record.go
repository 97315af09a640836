package jsonfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// record is one file of requests: a request and the machines that it launched. A machine whose request is not in the
// store is in a record without one.
type record struct {
	id      ohfp.RequestID
	dir     string // where its file is, empty for a new one
	file    string
	all     bool  // the machines were read too
	version int64 // of the file, which is that of the request
	request *ohfp.Request
	from    []ohfp.RequestID // of a return: the requests that launched its machines; a few more do no harm

	lines    [][]byte       // one for each machine as in the file; nil: to be encoded
	machines []ohfp.Machine // decoded from lines by decodeMachines
	decoded  bool
	index    map[machineKey]int
}

type machineKey struct {
	provider string
	id       ohfp.MachineID
}

// recordHead is a record in its file, before the machines.
type recordHead struct {
	ID      ohfp.RequestID   `json:"id"`
	Version int64            `json:"version"`
	From    []ohfp.RequestID `json:"from,omitempty"`
	Request *ohfp.Request    `json:"request,omitempty"`
}

// machineLine is a machine in its file.
type machineLine struct {
	Version int64 `json:"version"`
	ohfp.Machine
}

// Where the machines begin and end. A file that was edited may look otherwise; it only takes longer to read.
const (
	machinesBegin = ",\n  \"machines\": [\n"
	machinesEnd   = "\n  ]\n}\n"
)

// headEnd is where the head ends in the beginning of a file, or negative.
func headEnd(data []byte) int { return bytes.Index(data, []byte(machinesBegin)) }

func (r *record) encode() ([]byte, error) {
	data, err := encodeIndented(recordHead{ID: r.id, Version: r.version, From: r.from, Request: r.request})
	if err != nil || len(r.lines) == 0 {
		return data, err
	}
	data = append(bytes.TrimSuffix(data, []byte("\n}\n")), machinesBegin...)
	for i := range r.lines {
		if i > 0 {
			data = append(data, ",\n"...)
		}
		line := r.lines[i]
		if line == nil {
			m := store.CopyMachine(r.machines[i])
			if line, err = encode(machineLine{m.Version, m}); err != nil {
				return nil, err
			}
			r.lines[i] = line
		}
		data = append(data, line...)
	}
	return append(data, machinesEnd...), nil
}

// decodeRecord reads a file, or when that is not all of it, its head.
func decodeRecord(data []byte, all bool) (*record, error) {
	r := &record{all: all}
	end := headEnd(data)
	tail, regular := bytes.CutSuffix(data, []byte(machinesEnd))
	switch {
	case end < 0:
		var whole struct {
			recordHead
			Machines []json.RawMessage `json:"machines"`
		}
		if err := unmarshal(data, &whole); err != nil {
			return nil, err
		}
		for _, line := range whole.Machines {
			r.lines = append(r.lines, line)
		}
		return r, r.take(whole.recordHead)
	case all && (!regular || len(tail) < end+len(machinesBegin)):
		return decodeIrregular(data)
	case all:
		r.lines = bytes.Split(tail[end+len(machinesBegin):], []byte(",\n"))
	}
	h, err := decode[recordHead](append(bytes.Clone(data[:end]), '}'))
	if err != nil {
		return nil, err
	}
	return r, r.take(h)
}

// decodeIrregular reads a file that somebody has written by hand.
func decodeIrregular(data []byte) (*record, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return nil, err
	}
	return decodeRecord(compact.Bytes(), true)
}

func (r *record) take(h recordHead) error {
	r.id, r.version, r.from, r.request = h.ID, h.Version, h.From, h.Request
	if r.version < 1 {
		return errors.New("it has no version")
	}
	if r.request != nil {
		if r.request.ID != r.id {
			return fmt.Errorf("it is of %q and has the request %q", r.id, r.request.ID)
		}
		r.request.Version = r.version
	}
	return nil
}

// decodeTogether is how many machines make a portion for one processor.
const decodeTogether = 256

// decodeMachines decodes what was read. A request may have ten thousand machines, so it is done on all processors.
func (r *record) decodeMachines(ctx context.Context) error {
	if r.decoded {
		return nil
	}
	machines := make([]ohfp.Machine, len(r.lines))
	portions := (len(r.lines) + decodeTogether - 1) / decodeTogether
	errs := make([]error, portions)
	var hands sync.WaitGroup
	count := min(portions, runtime.GOMAXPROCS(0))
	for hand := range count {
		hands.Go(func() {
			for p := hand; p < portions; p += count {
				if errs[p] = ctx.Err(); errs[p] != nil {
					return
				}
				for i := p * decodeTogether; i < min((p+1)*decodeTogether, len(r.lines)); i++ {
					line, err := decode[machineLine](r.lines[i])
					if err != nil {
						errs[p] = fmt.Errorf("machine %d: %w", i+1, err)
						return
					}
					machines[i] = line.Machine
					machines[i].Version = line.Version
				}
			}
		})
	}
	hands.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	r.machines, r.decoded = machines, true
	return nil
}

// find is where a machine is in the record, or negative. The machines must have been decoded.
func (r *record) find(key machineKey) int {
	if r.index == nil {
		r.index = make(map[machineKey]int, len(r.machines))
		for i, m := range r.machines {
			r.index[machineKey{m.Provider, m.ID}] = i
		}
	}
	if i, ok := r.index[key]; ok {
		return i
	}
	return -1
}

// put stores a machine in the place of what it was.
func (r *record) put(m ohfp.Machine) {
	key := machineKey{m.Provider, m.ID}
	i := r.find(key)
	if i < 0 {
		i = len(r.machines)
		r.machines, r.lines = append(r.machines, m), append(r.lines, nil)
		r.index[key] = i
	}
	r.machines[i], r.lines[i] = m, nil
}

// home is the directory that the record belongs in.
func (r *record) home(settled bool) string {
	switch {
	case r.request != nil && !settled:
		return openDir
	case slices.ContainsFunc(r.machines, func(m ohfp.Machine) bool { return !m.Gone() || m.Noticed() }):
		return heldDir
	default:
		return doneDir
	}
}

// counts is what the request counts against limits.
func (r *record) counts() (units int, cost ohfp.Cost) {
	if r.request == nil {
		return 0, ohfp.Cost{}
	}
	full := *r.request
	full.Machines = r.machines
	return store.Units(full), store.CostOf(full)
}
