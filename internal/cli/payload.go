package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/output"
)

// payload is input as programs give it: a JSON document in the dialect of a scheduler, in a file or on the command line.
type payload struct {
	File string
	Data string
}

func (in *payload) addFlags(cmd *cobra.Command, example string) {
	cmd.Flags().StringVarP(&in.File, "file", "f", "", "read the input from this JSON `FILE`, - for standard input: "+example)
	cmd.Flags().StringVarP(&in.Data, "data", "d", "", "the same as `JSON` on the command line")
}

// read returns the input in the words of Host Factory, whichever dialect it came in; nil without input.
func (in *payload) read(p *program) ([]byte, error) {
	var data []byte
	switch {
	case in.File != "" && in.Data != "":
		return nil, usageErrorf("pass the input either with --file or with --data")
	case in.File != "":
		var err error
		if data, err = p.input(in.File); err != nil {
			return nil, err
		}
	case in.Data != "":
		data = []byte(in.Data)
	default:
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "input is not valid JSON: %w", err)
	}
	translated, err := json.Marshal(translate(document))
	if err != nil {
		return nil, fmt.Errorf("translate the input: %w", err)
	}
	return translated, nil
}

// hostFactoryName is what Host Factory calls a member, of which the dialects have several spellings.
func hostFactoryName(name string) string {
	for _, known := range []string{"template", "templateId", "machineCount", "maxNumber", "requests", "requestId", "machines", "machineId", "name"} {
		if output.SameName(name, known) {
			return known
		}
	}
	for _, other := range []string{"count", "requestedCount"} {
		if output.SameName(name, other) {
			return "machineCount"
		}
	}
	return name
}

// translate spells an input as Host Factory does, and puts the short forms of the other dialect into its lists:
// {"request_id": "r"} and {"request_ids": ["r"]} become {"requests": [{"requestId": "r"}]}.
func translate(document any) any {
	object, ok := document.(map[string]any)
	if !ok {
		return document
	}
	out := map[string]any{}
	for name, value := range object {
		switch {
		case output.SameName(name, "requestIds"):
			out["requests"] = wrapped(value, "requestId")
		case output.SameName(name, "machineIds"):
			out["machines"] = wrapped(value, "machineId")
		default:
			out[hostFactoryName(name)] = translatedValue(value)
		}
	}
	for short, list := range map[string]string{"requestId": "requests", "machineId": "machines"} {
		if id, ok := out[short]; ok && out[list] == nil && out["name"] == nil {
			out[list] = wrapped(id, short)
		}
	}
	return out
}

func translatedValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, inner := range value {
			out[hostFactoryName(name)] = inner
		}
		return out
	case []any:
		out := make([]any, 0, len(value))
		for _, element := range value {
			out = append(out, translatedValue(element))
		}
		return out
	default:
		return value
	}
}

// wrapped makes a list of objects of one id or a list of them.
func wrapped(value any, name string) any {
	ids, ok := value.([]any)
	if !ok {
		ids = []any{value}
	}
	var out []any
	for _, id := range ids {
		if text, ok := id.(string); ok {
			id = map[string]any{name: strings.TrimSpace(text)}
		}
		out = append(out, id)
	}
	return out
}
