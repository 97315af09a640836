// Package transfer takes all that a store holds to another store, or to a file and back: the installation, templates,
// requests with their machines, events, how far those have come who follow the events, and what the memory keeps for good.
// It refuses to take over leases and what providers remember otherwise, which are worth nothing in another place, to write into a
// store that holds something else, and to call a copy done that does not compare equal with what it was made from.
//
// Everything is a sequence of records in one order, each a line of JSON, whatever store they come from. So two stores hold the same
// when the digests of their lines are the same.
package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"

	"github.com/openhostfactory/ohfp"
)

// Record is one of the things that a store holds: one field and what belongs to it.
type Record struct {
	Installation ohfp.InstallationID `json:"installation,omitempty"`
	Kept         *Kept               `json:"kept,omitempty"`
	Template     *ohfp.Template      `json:"template,omitempty"`
	Request      *ohfp.Request       `json:"request,omitempty"`
	Machines     []ohfp.Machine      `json:"machines,omitempty"` // those that the request launched; of a return, those whose request nobody has
	Event        *ohfp.Event         `json:"event,omitempty"`    // its sequence counts the events of the copy, from 1
	Position     *Position           `json:"position,omitempty"`
}

// Kept is something that the memory keeps for good, under [provider.Lasting].
type Kept struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// Position is how far a follower of the events has come.
type Position struct {
	Follower string `json:"follower"`
	Events   int64  `json:"events"` // how many of the copy's events it is done with
}

// Records gives all records to each, in their order: the installation, what is kept, templates, returns, requests for machines, events,
// positions. An error of each ends it and is returned.
type Records func(ctx context.Context, each func(Record) error) error

// Summary is what records were counted and what they were.
type Summary struct {
	Requests  int    `json:"requests"`
	Machines  int    `json:"machines"`
	Templates int    `json:"templates"`
	Events    int    `json:"events"`
	Digest    string `json:"digest"` // of all lines
}

// tally sums records up.
type tally struct {
	summary Summary
	sum     hash.Hash
}

func newTally() *tally { return &tally{sum: sha256.New()} }

// add counts a record and returns its line.
func (t *tally) add(r Record) ([]byte, error) {
	line, err := encode(r)
	if err != nil {
		return nil, err
	}
	t.count(r)
	_, _ = t.sum.Write(line) // never fails
	return line, nil
}

func (t *tally) count(r Record) {
	switch {
	case r.Template != nil:
		t.summary.Templates++
	case r.Request != nil:
		t.summary.Requests++
		t.summary.Machines += len(r.Machines)
	case r.Event != nil:
		t.summary.Events++
	}
}

func (t *tally) done() Summary {
	s := t.summary
	s.Digest = "sha256:" + hex.EncodeToString(t.sum.Sum(nil))
	return s
}

// encode makes a line. Raw JSON inside keeps its tokens; white space goes, since some stores keep it and some do not.
func encode(r Record) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return b.Bytes(), nil
}

// Sum counts what records there are.
func Sum(ctx context.Context, records Records) (Summary, error) {
	t := newTally()
	err := records(ctx, func(r Record) error {
		_, err := t.add(r)
		return err
	})
	return t.done(), err
}
