// Package reference reads the JSON store of the Python systems that this program replaces: request_database.json in its schema
// 2.0.0, with the keys of the versions before it.
// It refuses to guess: what it cannot take is reported by name, and nothing that it takes launches anything.
package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Found is what a file holds, in our words.
type Found struct {
	Returns  []ohfp.Request // to be stored first, since machines name them
	Acquires []ohfp.Request // with their machines
	Skipped  []Skipped
}

// Skipped is something that cannot be taken, and why.
type Skipped struct {
	Kind string `json:"kind"` // request, machine or section
	ID   string `json:"id"`
	Why  string `json:"why"`
}

// Options say how to read a file.
type Options struct {
	Now     time.Time
	Timeout time.Duration // how long requests that are under way still have
	// Provider names our provider instance for one of the file's, which may be empty.
	Provider func(name string) (string, error)
}

// Read reads a file.
func Read(data []byte, o Options) (Found, error) {
	var sections map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &sections); err != nil {
		return Found{}, ohfp.Errorf(ohfp.ErrInvalid, "the file is no request_database.json: %w; name the file of the strategy json with all records in it", err)
	}
	if sections["requests"] == nil {
		return Found{}, ohfp.Errorf(ohfp.ErrInvalid, "the file has no requests; name request_database.json, not one of several files")
	}
	in := reader{
		Options: o, requests: map[ohfp.RequestID]*ohfp.Request{}, named: map[ohfp.MachineID]ohfp.RequestID{},
		machines: map[ohfp.MachineID]*ohfp.Machine{}, wanted: map[ohfp.RequestID][]ohfp.MachineID{},
	}
	for name := range sections {
		if name != "requests" && name != "machines" && name != "templates" && name != "schema_version" && name != "version" {
			in.skip("section", name, "it is not known")
		}
	}
	if templates, err := entries(sections["templates"]); err == nil {
		for _, t := range templates {
			in.skip("template", t.key, "templates come from template files; see ohfp templates")
		}
	}
	requests, err := entries(sections["requests"])
	if err != nil {
		return Found{}, ohfp.Errorf(ohfp.ErrInvalid, "the requests of the file are neither a list nor an object: %w", err)
	}
	machines, err := entries(sections["machines"])
	if err != nil {
		return Found{}, ohfp.Errorf(ohfp.ErrInvalid, "the machines of the file are neither a list nor an object: %w", err)
	}
	for _, r := range requests {
		if err := in.request(r); err != nil {
			in.skip("request", r.key, err.Error())
		}
	}
	for _, m := range machines {
		if err := in.machine(m); err != nil {
			in.skip("machine", m.key, err.Error())
		}
	}
	return in.join(), nil
}

// entry is a record and what it is called in the file.
type entry struct {
	key  string
	text json.RawMessage
}

// entries are the records of a section, which is an object by id or a list.
func entries(section json.RawMessage) ([]entry, error) {
	section = bytes.TrimSpace(section)
	if len(section) == 0 || string(section) == "null" {
		return nil, nil
	}
	var found []entry
	if section[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(section, &list); err != nil {
			return nil, err
		}
		for i, text := range list {
			found = append(found, entry{fmt.Sprintf("number %d", i+1), text})
		}
		return found, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(section, &object); err != nil {
		return nil, err
	}
	for key, text := range object {
		found = append(found, entry{key, text})
	}
	slices.SortFunc(found, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return found, nil
}

type reader struct {
	Options
	requests map[ohfp.RequestID]*ohfp.Request
	order    []ohfp.RequestID
	machines map[ohfp.MachineID]*ohfp.Machine
	known    []ohfp.MachineID
	named    map[ohfp.MachineID]ohfp.RequestID   // by requests for machines
	wanted   map[ohfp.RequestID][]ohfp.MachineID // by returns
	skipped  []Skipped
}

func (in *reader) skip(kind, id, why string) { in.skipped = append(in.skipped, Skipped{kind, id, why}) }

// request reads a request.
func (in *reader) request(e entry) error {
	f, err := fieldsOf(e.text)
	if err != nil {
		return err
	}
	id := ohfp.RequestID(f.text("request_id", "requestId"))
	if !id.WellFormed() {
		return fmt.Errorf("its id %.60q is not req- or ret- and a UUID", id)
	}
	if in.requests[id] != nil {
		return fmt.Errorf("request %s is in the file twice", id)
	}
	status, ok := statuses()[f.text("status")]
	if !ok {
		return fmt.Errorf("its status %q is not known", f.text("status"))
	}
	r := &ohfp.Request{
		ID: id, Type: ohfp.TypeAcquire, Origin: ohfp.Origin{Face: "imported"}, Status: status,
		Message: f.text("status_message", "message", "error_message"), Count: f.number("requested_count", "machine_count", "desired_capacity"),
		CreatedAt: f.time("created_at", "started_at"), PolledAt: f.time("first_status_check", "last_status_check"),
	}
	switch kind := f.text("request_type"); {
	case kind == "return" || kind == "" && id.Type() == ohfp.TypeReturn:
		r.Type = ohfp.TypeReturn
	case kind != "acquire" && kind != "":
		return fmt.Errorf("its type %q is not known", kind)
	}
	if id.Type() != r.Type {
		return fmt.Errorf("it is a %s by its type and not by its id", r.Type)
	}
	if r.CreatedAt.IsZero() {
		return fmt.Errorf("it does not say when it was made")
	}
	if r.PolledAt.IsZero() {
		r.PolledAt = r.CreatedAt // whoever asked knows of it
	}
	r.AnsweredAt = r.CreatedAt
	if status.Terminal() {
		r.CompletedAt = f.time("completed_at", "last_status_check", "updated_at", "created_at", "started_at")
	}
	listed := f.list("machine_ids", "instance_ids")
	listed = append(listed, f.under("metadata").list("machine_ids", "instance_ids")...)
	if r.Type == ohfp.TypeReturn {
		for _, id := range listed {
			in.wanted[r.ID] = append(in.wanted[r.ID], ohfp.MachineID(id))
		}
		r.Count = max(r.Count, len(in.wanted[r.ID]))
	} else if err := in.acquire(r, f, listed); err != nil {
		return err
	}
	in.requests[id] = r
	in.order = append(in.order, id)
	return nil
}

func (in *reader) acquire(r *ohfp.Request, f fields, machines []string) (err error) {
	if r.Provider, err = in.Provider(f.text("provider_name", "provider_instance")); err != nil {
		return err
	}
	r.Placement = "it was there before"
	r.Template = ohfp.Template{
		ID: ohfp.TemplateID(f.text("template_id", "templateId")), MaxNumber: ohfp.Unlimited, ProviderName: r.Provider,
		ProviderAPI: f.text("provider_api"), Source: "imported", Refused: "it was launched by another program, and nothing is launched for it any more",
	}
	if r.Template.ID == "" {
		return fmt.Errorf("it has no template")
	}
	r.Timeout, r.Deadline = in.Timeout, r.CreatedAt.Add(in.Timeout)
	if !r.Status.Terminal() {
		r.Deadline = in.Now.Add(in.Timeout)
	}
	kind := f.text("fleet_type")
	for _, place := range []string{"provider_data", "metadata"} {
		if kind == "" {
			kind = f.under(place).text("fleet_type", "fleetType")
		}
	}
	for _, resource := range f.list("resource_ids", "resource_id") {
		if slices.ContainsFunc(r.Attempts, func(a ohfp.Attempt) bool { return a.Resource == resource }) {
			continue
		}
		order := ohfp.Order{API: r.Template.ProviderAPI, Count: r.Count, Retires: true}
		if !strings.HasPrefix(resource, "r-") && !strings.EqualFold(kind, "instant") {
			order.Async, order.Keeps = true, true
		}
		r.Attempts = append(r.Attempts, ohfp.Attempt{
			Number: len(r.Attempts) + 1, Order: order, IntendedAt: r.CreatedAt, CalledAt: r.CreatedAt, AnsweredAt: r.CreatedAt, Resource: resource,
			Permanent: true, // nothing more is launched for it
		})
	}
	for _, id := range machines {
		if _, ok := in.named[ohfp.MachineID(id)]; !ok {
			in.named[ohfp.MachineID(id)] = r.ID
		}
	}
	return nil
}

// statuses are theirs in our words.
func statuses() map[string]ohfp.Status {
	return map[string]ohfp.Status{
		"pending": ohfp.StatusInProgress, "in_progress": ohfp.StatusInProgress, "acquiring": ohfp.StatusInProgress,
		"provisioning": ohfp.StatusInProgress, "running": ohfp.StatusInProgress,
		"complete": ohfp.StatusComplete, "completed": ohfp.StatusComplete, "partial": ohfp.StatusPartial,
		"failed": ohfp.StatusFailed, "error": ohfp.StatusFailed, "cancelled": ohfp.StatusCancelled, "timeout": ohfp.StatusTimeout,
	}
}
