package hostfactory

import (
	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
)

// DecodeTemplates reads the input of getAvailableTemplates: the templates asked about, none for all of them.
func DecodeTemplates(data []byte) ([]ohfp.TemplateID, error) {
	input, err := readObject(data)
	if err != nil {
		return nil, err
	}
	entries, err := input.list("templates")
	if err != nil {
		return nil, err
	}
	return identifiers[ohfp.TemplateID](entries, "templates", "templateId")
}

// DecodeRequest reads the input of requestMachines: an object template with templateId and machineCount, or the two
// without it, the count then also as maxNumber.
func DecodeRequest(data []byte) (template ohfp.TemplateID, count int, err error) {
	input, err := readObject(data)
	if err != nil {
		return "", 0, err
	}
	if wanted := input.get("dry-run"); !wanted.absent() && wanted != "false" {
		return "", 0, ohfp.Errorf(ohfp.ErrInvalid, "requestMachines has no dry run; leave dry-run out")
	}
	fields, key := input, "machineCount"
	switch {
	case !input.get("template").absent():
		if fields, err = input.get("template").object("template"); err != nil {
			return "", 0, err
		}
	case input.get(key).absent() && !input.get("maxNumber").absent():
		key = "maxNumber"
	}
	id, err := fields.text("templateId", "the request")
	if err != nil {
		return "", 0, err
	}
	if id == "" {
		return "", 0, ohfp.Errorf(ohfp.ErrInvalid, "input names no template; give an object template with templateId and machineCount")
	}
	count, err = fields.count(key)
	return ohfp.TemplateID(id), count, err
}

// DecodeReturn reads the input of requestReturnMachines: the machines to give back, by machineId, by name or by both.
// Entries that name nothing are counted: one of them must not keep the others running.
func DecodeReturn(data []byte) (machines []command.Named, nameless int, err error) {
	input, err := readObject(data)
	if err != nil {
		return nil, 0, err
	}
	if input.get("machines").absent() {
		return nil, 0, ohfp.Errorf(ohfp.ErrInvalid, "input names no machines; give a list machines of objects with name and machineId")
	}
	entries, err := input.list("machines")
	if err != nil {
		return nil, 0, err
	}
	for _, entry := range entries {
		named, err := machine(entry)
		switch {
		case err != nil:
			return nil, 0, err
		case named == command.Named{}:
			nameless++
		default:
			machines = append(machines, named)
		}
	}
	if len(machines) == 0 && nameless > 0 {
		return nil, 0, ohfp.Errorf(ohfp.ErrInvalid, "no machine in the input has a machineId or a name; give one of them")
	}
	return machines, nameless, nil
}

// DecodeStatus reads the input of getRequestStatus: the requests and returns asked about, each once.
func DecodeStatus(data []byte) ([]ohfp.RequestID, error) {
	input, err := readObject(data)
	if err != nil {
		return nil, err
	}
	if input.get("requests").absent() {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "input names no requests; give a list requests of objects with requestId")
	}
	entries, err := input.list("requests")
	if err != nil {
		return nil, err
	}
	ids, err := identifiers[ohfp.RequestID](entries, "requests", "requestId")
	if err == nil && len(ids) == 0 && len(entries) > 0 {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "no request in the input has a requestId; give it")
	}
	return ids, err
}

// DecodeReturnRequests reads the input of getReturnRequests: the machines that Host Factory knows, as objects or as
// strings, none or "all" for those that we know.
func DecodeReturnRequests(data []byte) ([]query.Named, error) {
	input, err := readObject(data)
	if err != nil || input.get("machines") == `"all"` {
		return nil, err
	}
	entries, err := input.list("machines")
	if err != nil {
		return nil, err
	}
	var known []query.Named
	for _, entry := range entries {
		if entry[0] == '"' {
			if word := entry.unquote(); word != "" { // it may be either; nothing is lost by looking for both
				known = append(known, query.Named{ID: ohfp.MachineID(word)}, query.Named{Name: word})
			}
			continue
		}
		named, err := machine(entry)
		if err != nil {
			return nil, err
		}
		if named != (command.Named{}) {
			known = append(known, query.Named(named))
		}
	}
	return known, nil
}

func machine(entry value) (command.Named, error) {
	fields, err := entry.object("machines")
	if err != nil {
		return command.Named{}, err
	}
	id, err := fields.text("machineId", "a machine")
	if err != nil {
		return command.Named{}, err
	}
	name, err := fields.text("name", "a machine")
	return command.Named{ID: ohfp.MachineID(id), Name: name}, err
}

// identifiers reads one field of each entry, each value once, in the order of the input. An entry may be the bare value.
func identifiers[ID ~string](entries []value, where, key string) ([]ID, error) {
	seen := map[ID]bool{}
	var ids []ID
	for _, entry := range entries {
		fields := members{{key, entry}}
		if entry[0] != '"' {
			var err error
			if fields, err = entry.object(where); err != nil {
				return nil, err
			}
		}
		text, err := fields.text(key, where)
		if err != nil {
			return nil, err
		}
		if id := ID(text); id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}
