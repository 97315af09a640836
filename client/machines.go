package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
)

const machinesPath = "/api/v1/machines"

// MachineFilter narrows a list. Empty fields do not narrow.
type MachineFilter struct {
	States   []ohfp.MachineState // empty: all that are not terminated
	All      bool                // those that are terminated, too
	Request  ohfp.RequestID      // that brought them, or the return that gave them back
	Template ohfp.TemplateID
	Provider string // the provider instance
	Noticed  bool   // only those that the cloud or an operator takes back
	Cursor   string // the field Next of the page before
	Limit    int    // of a page; 0: 50
}

// Machines is a page of machines in the order of their launch.
func (c *Client) Machines(ctx context.Context, filter MachineFilter) (api.MachineList, error) {
	query := url.Values{}
	set(query, "cursor", filter.Cursor)
	set(query, "requestId", string(filter.Request))
	set(query, "templateId", string(filter.Template))
	set(query, "providerName", filter.Provider)
	set(query, "status", joined(filter.States))
	setPage(query, filter.Limit, 0)
	if filter.All {
		query.Set("status", "all")
	}
	if filter.Noticed {
		query.Set("noticed", "true")
	}
	var list api.MachineList
	_, err := c.do(ctx, call{Method: http.MethodGet, Path: machinesPath, Query: query}, &list)
	return list, err
}

// EachMachine goes through all pages. It ends with the first error.
func (c *Client) EachMachine(ctx context.Context, filter MachineFilter) iter.Seq2[api.Machine, error] {
	return pages(filter.Cursor, func(cursor string) ([]api.Machine, string, error) {
		filter.Cursor = cursor
		page, err := c.Machines(ctx, filter)
		return page.Machines.Machines, page.Next, err
	})
}

// Machine is one machine.
func (c *Client) Machine(ctx context.Context, id ohfp.MachineID) (api.Machine, error) {
	var shown api.Machine
	return shown, c.Do(ctx, http.MethodGet, machinesPath+"/"+url.PathEscape(string(id)), nil, &shown)
}

// Return gives machines back: those named, or all of a request.
type Return struct {
	Machines []ohfp.MachineID `json:"machineIds,omitempty"`
	Names    []string         `json:"names,omitempty"` // host names
	Request  ohfp.RequestID   `json:"requestId,omitempty"`
	Key      string           `json:"-"` // as of [Order]
}

// ReturnMachines gives machines back. They are terminated; everything on them is lost.
func (c *Client) ReturnMachines(ctx context.Context, back Return) (api.Request, error) {
	var made api.Request
	_, err := c.do(ctx, call{Method: http.MethodPost, Path: machinesPath + "/return", Header: keyed(back.Key), Body: back}, &made)
	return made, err
}

// PlanReturn tells which machines a return would end. Nothing is stored, and nothing changes in the cloud.
func (c *Client) PlanReturn(ctx context.Context, back Return) (api.PlannedEnd, error) {
	var plan api.PlannedEnd
	return plan, c.Do(ctx, http.MethodPost, machinesPath+"/return/plan", back, &plan)
}

// Drain asks the users of machines to give them back. What is given narrows the choice together.
type Drain struct {
	Machines  []ohfp.MachineID `json:"machineIds,omitempty"`
	Template  ohfp.TemplateID  `json:"templateId,omitempty"`
	Zone      string           `json:"zone,omitempty"`
	OlderThan int              `json:"olderThan,omitempty"` // seconds since the launch
	Grace     *int             `json:"grace,omitempty"`     // seconds that users have; nil: 600
	Parallel  int              `json:"parallel,omitempty"`  // how many at once; 0: all
	Force     bool             `json:"force,omitempty"`     // give back what its user still has when its grace is over
	Cancel    bool             `json:"cancel,omitempty"`    // withdraw earlier orders instead
	DryRun    bool             `json:"dryRun,omitempty"`    // only say which machines those are
}

// DrainMachines asks the users of machines to give them back.
func (c *Client) DrainMachines(ctx context.Context, drain Drain) (api.Drained, error) {
	var done api.Drained
	return done, c.Do(ctx, http.MethodPost, machinesPath+"/drain", drain, &done)
}

// StopMachines stops machines, which keep their disks and addresses.
func (c *Client) StopMachines(ctx context.Context, ids ...ohfp.MachineID) (api.Switched, error) {
	return c.turn(ctx, "/stop", ids, false)
}

// StartMachines starts machines that are stopped.
func (c *Client) StartMachines(ctx context.Context, ids ...ohfp.MachineID) (api.Switched, error) {
	return c.turn(ctx, "/start", ids, false)
}

// PlanStop tells which machines would be stopped. Nothing is stored, and nothing changes in the cloud.
func (c *Client) PlanStop(ctx context.Context, ids ...ohfp.MachineID) (api.Switched, error) {
	return c.turn(ctx, "/stop", ids, true)
}

// PlanStart tells which machines would be started. Nothing is stored, and nothing changes in the cloud.
func (c *Client) PlanStart(ctx context.Context, ids ...ohfp.MachineID) (api.Switched, error) {
	return c.turn(ctx, "/start", ids, true)
}

func (c *Client) turn(ctx context.Context, to string, ids []ohfp.MachineID, dryRun bool) (api.Switched, error) {
	var done api.Switched
	return done, c.Do(ctx, http.MethodPost, machinesPath+to, map[string]any{"machineIds": ids, "dryRun": dryRun}, &done)
}

// Reclaimed lists the machines that the cloud or an operator takes back from their users.
func (c *Client) Reclaimed(ctx context.Context) ([]api.Reclaimed, error) {
	var list api.ReclaimedList
	err := c.Do(ctx, http.MethodGet, requestsPath+"/return", nil, &list)
	return list.Requests, err
}
