package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/openhostfactory/ohfp"
)

// Change is what a function given to [Store.UpdateRequest] did to a request. It is how a store finds the rows to write.
type Change struct {
	Request  ohfp.Request   // after the change, with the versions from before it
	Own      bool           // the request itself differs, not only machines of it
	Machines []ohfp.Machine // those that differ or are new, the latter with Version 0
	Unread   []ohfp.Machine // those of them that did not come with the request, so that nobody knows yet whether they exist
	Others   []ohfp.RequestID
	Events   []ohfp.Event
	Follows  bool // the request follows other machines than before, so that After does not know all of them
}

// After is the request as it is once the change is written, or as it was when there is nothing to write.
func (c Change) After() ohfp.Request {
	r := c.Request
	requestInUTC(&r)
	if !c.Empty() {
		r.Version++
	}
	if len(c.Machines) > 0 {
		written := make(map[machineKey]bool, len(c.Machines))
		for _, m := range c.Machines {
			written[keyOf(m)] = true
		}
		for i := range r.Machines {
			if written[keyOf(r.Machines[i])] {
				r.Machines[i].Version++
			}
		}
	}
	SortMachines(r.Machines)
	return r
}

// Empty says whether there is nothing to write.
func (c Change) Empty() bool { return !c.Own && len(c.Machines) == 0 && len(c.Events) == 0 }

type machineKey struct {
	provider string
	id       ohfp.MachineID
}

func keyOf(m ohfp.Machine) machineKey { return machineKey{m.Provider, m.ID} }

// Apply runs change on r, which it takes over, and says what differs. Others are the requests beside r that machines of
// the change belong to: the acquire that launched them, the return that they belong or belonged to. Somebody who has
// read one of those decides on something that is no longer so.
func Apply(r ohfp.Request, change func(*ohfp.Request) ([]ohfp.Event, error)) (Change, error) {
	before := CopyRequest(r)
	events, err := change(&r)
	if err != nil {
		return Change{}, err
	}
	if r.ID != before.ID || r.Type != before.Type {
		return Change{}, fmt.Errorf("change of request %s made it %s %s; what a request is known by never changes", before.ID, r.Type, r.ID)
	}
	r.Version = before.Version
	c := Change{Request: r, Events: events, Follows: !slices.Equal(r.Also, before.Also)}
	if c.Own, err = differ(before, r); err != nil {
		return Change{}, err
	}
	if err := c.compareMachines(before.Machines); err != nil {
		return Change{}, err
	}
	c.Others = others(r.ID, c.Others)
	return c, nil
}

// compareMachines finds the machines that differ from before. A change seldom moves them, so the place is tried first.
func (c *Change) compareMachines(before []ohfp.Machine) error {
	var index map[machineKey]int // of before, made when a machine is not in its place
	find := func(at int, key machineKey) (int, bool) {
		if at < len(before) && keyOf(before[at]) == key {
			return at, true
		}
		if index == nil {
			index = make(map[machineKey]int, len(before))
			for i, m := range before {
				index[keyOf(m)] = i
			}
		}
		at, ok := index[key]
		return at, ok
	}
	met := make([]bool, len(before))
	fresh := map[machineKey]bool{}
	id := c.Request.ID
	for i := range c.Request.Machines {
		m := &c.Request.Machines[i]
		at, ok := find(i, keyOf(*m))
		if ok && met[at] || !ok && fresh[keyOf(*m)] {
			return fmt.Errorf("change of request %s lists machine %s twice", id, m.ID)
		}
		if !ok {
			if m.Request != id && m.Return != id {
				return ohfp.Errorf(ohfp.ErrConflict, "machine %s belongs to request %s, not to %s", m.ID, m.Request, id)
			}
			fresh[keyOf(*m)] = true
			c.Machines, c.Unread = append(c.Machines, *m), append(c.Unread, *m)
			c.Others = append(c.Others, m.Request, m.Return)
			continue
		}
		met[at] = true
		was := &before[at]
		if m.Request != was.Request {
			return fmt.Errorf("change of request %s moved machine %s from request %s to %s; it stays with the one that launched it", id, m.ID, was.Request, m.Request)
		}
		m.Version = was.Version
		if *m == *was || CopyMachine(*m) == *was {
			continue
		}
		c.Machines = append(c.Machines, *m)
		c.Others = append(c.Others, m.Request, m.Return, was.Return)
	}
	if dropped := slices.Index(met, false); dropped >= 0 {
		return fmt.Errorf("change of request %s dropped machine %s; machines stay on record", id, before[dropped].ID)
	}
	return nil
}

// Created is a new request as a change: all of it is to be written.
func Created(r ohfp.Request, events []ohfp.Event) (Change, error) {
	r.Version = 0
	c := Change{Request: r, Own: true, Machines: r.Machines, Unread: r.Machines, Events: events}
	seen := make(map[machineKey]bool, len(r.Machines))
	for _, m := range r.Machines {
		if m.Request != r.ID && m.Return != r.ID {
			return Change{}, ohfp.Errorf(ohfp.ErrConflict, "machine %s belongs to request %s, not to %s", m.ID, m.Request, r.ID)
		}
		if seen[keyOf(m)] {
			return Change{}, ohfp.Errorf(ohfp.ErrInvalid, "request %s lists machine %s twice; name each once", r.ID, m.ID)
		}
		seen[keyOf(m)] = true
		c.Others = append(c.Others, m.Request, m.Return)
	}
	c.Others = others(r.ID, c.Others)
	return c, nil
}

// Over refuses with [ohfp.ErrConflict] to write an unread machine m of the change over was, if that exists: it was changed since m
// was read, or is another request's. A return that loses the machine becomes one of the Others.
func (c *Change) Over(m, was ohfp.Machine, exists bool) error {
	switch {
	case !exists && m.Version == 0:
		return nil
	case !exists:
		return ohfp.Errorf(ohfp.ErrConflict, "machine %s is no longer in the store; read it again", m.ID)
	case m.Request != was.Request:
		return ohfp.Errorf(ohfp.ErrConflict, "machine %s belongs to request %s, not to %s", m.ID, was.Request, m.Request)
	case m.Version != was.Version:
		return ohfp.Errorf(ohfp.ErrConflict, "machine %s was changed by somebody else; read it again", m.ID)
	}
	if was.Return != "" && !slices.Contains(c.Others, was.Return) {
		c.Others = others(c.Request.ID, append(c.Others, was.Return))
	}
	return nil
}

func others(self ohfp.RequestID, ids []ohfp.RequestID) []ohfp.RequestID {
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id ohfp.RequestID) bool { return id == "" || id == self })
}

// differ compares requests, without machines and versions, as a store would write them.
func differ(a, b ohfp.Request) (bool, error) {
	var docs [2][]byte
	for i, r := range []ohfp.Request{a, b} {
		r.Machines = nil
		doc, err := json.Marshal(CopyRequest(r))
		if err != nil {
			return false, fmt.Errorf("encode request %s: %w", r.ID, err)
		}
		docs[i] = doc
	}
	return !bytes.Equal(docs[0], docs[1]), nil
}
