package hostfactory_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

// TestWhatIsWrongIsSaid holds the sentences that administrators read.
func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	machines := func(in string) error { _, err := hostfactory.DecodeReturnRequests([]byte(in)); return err }
	requests := func(in string) error { _, err := hostfactory.DecodeStatus([]byte(in)); return err }
	asked := func(in string) error { _, _, err := hostfactory.DecodeRequest([]byte(in)); return err }
	nested := func(levels int) string { // encoding/json takes 10,000
		return `{"machines":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + "}"
	}
	tests := []struct {
		decode func(string) error
		input  string
		want   string
	}{
		{machines, `[]`, "input is no JSON object; see the Host Factory plug-in interface for its form"},
		{machines, `{"machines":[`, "input is not valid JSON: unexpected EOF"},
		{machines, `{"machines":[]`, "input is not valid JSON: unexpected EOF"},
		{machines, `{"machines":x}`, "input is not valid JSON: invalid character 'x' looking for beginning of value"},
		{machines, `{"machines":[]}}`, "input has more than one JSON value; write one object"},
		{machines, `{"machines":[]} {}`, "input has more than one JSON value; write one object"},
		{machines, `{"machines":"\u0061ll"}`, `machines is "\u0061ll"; write a list of objects or one object`},
		{machines, `{"machines":[{}],"machines":7}`, "machines is 7; write a list of objects or one object"},
		{machines, `{"machines":["a",[ 1, 2 ]]}`, "machines has the entry [ 1, 2 ]; write an object"},
		{machines, `{"machines":[null]}`, "machines has the entry null; write an object"},
		{machines, `{"machines":[{"name":{ "a":  "ä\u00e4" }}]}`, `name of a machine is { "a":  "ä\u00e4" }; write a string`},
		{machines, `{"machines":{"machineId":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]}}`, "machineId of a machine is [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,...; write a string"},
		{machines, nested(10_000), "machines has the entry " + strings.Repeat("[", 40) + "...; write an object"},
		{machines, nested(10_001), "input is not valid JSON: invalid character '[' exceeded max depth"},
		{requests, `{"requests":[{"requestId":"a"},{"requestId":true}]}`, "requestId of requests is true; write a string"},
		{requests, `{"Requests":[]}`, "input names no requests; give a list requests of objects with requestId"},
		{asked, `{"template":"a"}`, `template has the entry "a"; write an object`},
		{asked, `{"templateId":"a","machineCount":"3"}`, `machineCount is "3", a string; write the number without quotes`},
		{asked, `{"templateId":"a","machineCount":"x"}`, `machineCount is "x"; write a whole number of machines`},
		{asked, `{"templateId":"a","machineCount":2.5}`, "machineCount is 2.5; write a whole number of machines"},
		{asked, `{"templateId":"a","machineCount":1e400}`, "machineCount is 1e400; write a whole number of machines"},
		{asked, `{"templateId":"a","machineCount":null}`, "machineCount is null; write a whole number of machines"},
		{asked, `{"templateId":"a"}`, "machineCount is missing; write a whole number of machines"},
	}
	for _, test := range tests {
		if err := test.decode(test.input); err == nil || err.Error() != test.want || !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("%s: %v, want %s", test.input, err, test.want)
		}
	}
}
