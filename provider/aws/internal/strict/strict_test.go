package strict

import (
	"errors"
	"testing"

	"github.com/openhostfactory/ohfp"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		in   string
		want string // the error, empty for none
	}{
		"known":          {in: `{"region": "us-east-1", "max_retries": 3}`},
		"nothing":        {in: ``},
		"null":           {in: `null`},
		"null is absent": {in: `{"region": null}`},
		"misspelt":       {in: `{"regoin": "x"}`, want: "regoin is not known; did you mean region?"},
		"other case":     {in: `{"maxRetries": 1}`, want: "maxRetries is not known; did you mean max_retries?"},
		"far off":        {in: `{"zzz": 1}`, want: "zzz is not known; remove it"},
		"wrong type":     {in: `{"max_retries": "3"}`, want: "max_retries: string given, want a whole number"},
		"fraction":       {in: `{"max_retries": 1.5}`, want: "max_retries: number 1.5 given, want a whole number"},
		"a list":         {in: `[1]`, want: "array given, want an object; write a JSON object"},
		"not JSON":       {in: `{"region"`, want: "unexpected end of JSON input; write a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var region string
			var retries int
			o, err := Parse([]byte(test.in))
			if err == nil {
				err = o.Decode(map[string]any{"region": &region, "max_retries": &retries})
			}
			if got := text(err); got != test.want {
				t.Errorf("error %q, want %q", got, test.want)
			}
			if err != nil && !errors.Is(err, ohfp.ErrInvalid) {
				t.Errorf("error %v is not ErrInvalid", err)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"subnetId", "subnetIds", "securityGroupIds", "imageId", "vmType", "vmTypes"}
	for name, want := range map[string]string{
		"image_id": "imageId", "subnet_ids": "subnetIds", "vmTyp": "vmType", "securityGroups": "securityGroupIds", "colour": "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("nearest to %s is %q, want %q", name, got, want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
