package audit

import (
	"encoding/json"
	"strings"
)

// Subjects finds the ids in what an operation was asked or has answered: the fields of the object that are named for a
// request, return, machine, template, provider or name. Anything else, which may be secret, is left alone.
func Subjects(document []byte) []string {
	var object map[string]json.RawMessage
	if json.Unmarshal(document, &object) != nil {
		return nil
	}
	var found []string
	for _, name := range []string{"requestid", "returnid", "machineid", "machineids", "names", "templateid", "provider", "name", "id", "ids"} {
		for key, value := range object {
			if strings.ToLower(strings.ReplaceAll(key, "_", "")) != name {
				continue
			}
			var one string
			var many []string
			if json.Unmarshal(value, &one) == nil {
				many = []string{one}
			} else if json.Unmarshal(value, &many) != nil {
				continue
			}
			found = append(found, many...)
		}
	}
	return found
}
