package fakehf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// ParseStatus reads and checks the answer of getRequestStatus to the question for ids: one entry for each of them and no
// other.
func ParseStatus(out []byte, ids ...string) ([]Request, error) {
	c := &checker{}
	top := c.one(out)
	if top.raw == nil {
		return nil, c.err()
	}
	top.only("requests")
	var requests []Request
	open := map[string]bool{}
	for _, id := range ids {
		open[id] = true
	}
	for _, f := range top.list("requests") {
		r := request(f)
		if !open[r.ID] {
			c.fail(f.path, "is about %q, which was not asked or is answered already", r.ID)
		}
		delete(open, r.ID)
		requests = append(requests, r)
	}
	for id := range open {
		c.fail("answer.requests", "says nothing about %q", id)
	}
	return requests, c.err()
}

func request(f fields) Request {
	f.only("requestId", "status", "message", "machines")
	r := Request{
		ID:      f.text("requestId"),
		Status:  f.oneOf("status", "running", "complete", "complete_with_error"),
		Message: f.text("message"),
	}
	if r.Status == "complete_with_error" && r.Message == "" {
		f.fail(f.path, "is complete_with_error and its message does not say why")
	}
	ids, names := map[string]bool{}, map[string]bool{}
	for _, entry := range f.list("machines") {
		m := machine(entry, strings.HasPrefix(r.ID, "ret-"))
		if m.ID != "" && ids[m.ID] {
			f.fail(entry.path, "lists machine %s twice", m.ID)
		}
		if m.Result == "succeed" && m.Status == "running" && names[m.Name] {
			f.fail(entry.path, "gives the name %s to a second machine", m.Name)
		}
		if r.Status == "complete" && m.Result == "executing" {
			f.fail(entry.path, "is executing although the request is complete")
		}
		ids[m.ID] = true
		names[m.Name] = names[m.Name] || m.Result == "succeed" && m.Status == "running"
		r.Machines = append(r.Machines, m)
	}
	return r
}

func machine(f fields, returned bool) Machine {
	f.only("machineId", "name", "result", "status", "privateIpAddress", "publicIpAddress", "launchtime", "message",
		"priceType", "instanceType", "instanceTags", "cloudHostId", "requestId", "returnRequestId")
	m := Machine{
		ID:           f.text("machineId"),
		Name:         f.known("name"),
		Result:       f.oneOf("result", "executing", "succeed", "fail"),
		Status:       f.maybe("status"),
		PrivateIP:    f.known("privateIpAddress"),
		PublicIP:     f.maybe("publicIpAddress"),
		LaunchTime:   time.Unix(f.whole("launchtime"), 0).UTC(),
		Message:      f.text("message"),
		PriceType:    f.maybe("priceType"),
		InstanceType: f.maybe("instanceType"),
	}
	if f.has("instanceTags") {
		m.InstanceTags = f.text("instanceTags")
	}
	if f.has("requestId") {
		m.Request = f.filled("requestId")
	}
	if f.has("returnRequestId") {
		m.Return = f.filled("returnRequestId")
	}
	if f.has("cloudHostId") && !f.null("cloudHostId") {
		f.fail(f.path+".cloudHostId", "is %s, want null", clip(f.raw["cloudHostId"]))
	}
	states := []string{"pending", "running", "stopping", "stopped", "shutting-down", "terminated"}
	if m.Status != "" && !slices.Contains(states, m.Status) {
		f.fail(f.path+".status", "is %q, want one of %s", m.Status, strings.Join(states, ", "))
	}
	if m.PriceType != "" && m.PriceType != "ondemand" && m.PriceType != "spot" {
		f.fail(f.path+".priceType", "is %q, want ondemand or spot", m.PriceType)
	}
	for key, ip := range map[string]string{"privateIpAddress": m.PrivateIP, "publicIpAddress": m.PublicIP} {
		if _, err := netip.ParseAddr(ip); ip != "" && err != nil {
			f.fail(f.path+"."+key, "is %q, want an address", ip)
		}
	}
	if problem := m.contradiction(returned); problem != "" {
		f.fail(f.path, "%s", problem)
	}
	return m
}

// contradiction says which members of a machine cannot both be true.
func (m Machine) contradiction(returned bool) string {
	switch {
	case m.ID == "" && (m.Result != "fail" || m.Name == ""):
		return "has no machineId"
	case m.Result == "fail" && m.Message == "":
		return "is fail and its message does not say why"
	case m.Result != "fail" && m.Status == "":
		return "has no status"
	case returned && (m.Result == "succeed") != (m.Status == "terminated") && m.Result != "fail":
		return fmt.Sprintf("is given back with result %s and status %s", m.Result, m.Status)
	case !returned && m.Result == "succeed" && (m.Name == "" || m.PrivateIP == "" || m.LaunchTime.Unix() <= 0):
		return "is succeed before its name, its private address and its launch time are known"
	case !returned && m.Result == "succeed" && m.Status == "pending":
		return "is succeed and pending"
	case !returned && m.Result == "executing" && m.Status == "terminated":
		return "is executing and terminated"
	}
	return ""
}
