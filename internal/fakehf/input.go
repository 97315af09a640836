package fakehf

import (
	"encoding/json"
	"fmt"
)

// Host is a machine as Host Factory names it: by host name, and by machine id where its release knows one.
type Host struct {
	Name string `json:"name,omitempty"`
	ID   string `json:"machineId,omitempty"`
}

// Hosts names the machines of a status.
func Hosts(machines []Machine) []Host {
	hosts := make([]Host, len(machines))
	for i, m := range machines {
		hosts[i] = Host{Name: m.Name, ID: m.ID}
	}
	return hosts
}

// Form is how inputs are written. Releases of Host Factory and its relatives differ; the zero value is release 7.3.2.
type Form struct {
	Object   bool // an only entry stands without the brackets of a list
	NameOnly bool // machines are named without their ids, as older releases do
	IDOnly   bool // machines are named without their host names
	Strings  bool // known hosts are given as bare strings
	Flat     bool // requestMachines has templateId and maxNumber at the top
	BOM      bool // a byte order mark comes first
	Extra    bool // members that nobody documents are added
}

func (f Form) encode(top map[string]any) []byte {
	if f.Extra {
		top["rc_account"] = "default"
		top["userData"] = map[string]any{"requestor": "symAinst"}
	}
	out, err := json.Marshal(top)
	if err != nil {
		panic(fmt.Sprintf("fakehf: an input of strings and numbers does not encode: %v", err))
	}
	if f.BOM {
		out = append([]byte("\xef\xbb\xbf"), out...)
	}
	return out
}

// request is the input of requestMachines.
func (f Form) request(template string, count int) []byte {
	if f.Flat {
		return f.encode(map[string]any{"templateId": template, "maxNumber": count})
	}
	return f.encode(map[string]any{"template": map[string]any{"templateId": template, "machineCount": count}})
}

// status is the input of getRequestStatus.
func (f Form) status(ids []string) []byte {
	type entry struct {
		ID string `json:"requestId"`
	}
	if f.Object && len(ids) == 1 {
		return f.encode(map[string]any{"requests": entry{ids[0]}})
	}
	entries := make([]entry, len(ids))
	for i, id := range ids {
		entries[i] = entry{id}
	}
	return f.encode(map[string]any{"requests": entries})
}

// hosts is the input of requestReturnMachines and of getReturnRequests.
func (f Form) hosts(hosts []Host) []byte {
	entries := make([]Host, len(hosts))
	words := make([]string, len(hosts))
	for i, h := range hosts {
		words[i] = h.Name
		switch {
		case f.NameOnly:
			h.ID = ""
		case f.IDOnly:
			h.Name = ""
		}
		entries[i] = h
	}
	switch {
	case f.Strings:
		return f.encode(map[string]any{"machines": words})
	case f.Object && len(entries) == 1:
		return f.encode(map[string]any{"machines": entries[0]})
	default:
		return f.encode(map[string]any{"machines": entries})
	}
}
