package ohfp_test

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp"
)

func TestAttributeReads(t *testing.T) {
	t.Parallel()
	text := func(value string) ohfp.Attribute { return ohfp.Attribute{Type: ohfp.AttributeString, Value: value} }
	number := func(value string) ohfp.Attribute { return ohfp.Attribute{Type: ohfp.AttributeNumeric, Value: value} }
	truth := func(value string) ohfp.Attribute { return ohfp.Attribute{Type: ohfp.AttributeBoolean, Value: value} }
	for input, want := range map[string]ohfp.Attribute{
		`["Numeric", "4"]`:      number("4"),
		`["Numeric", 4]`:        number("4"),
		`["Numeric", 0.5]`:      number("0.5"),
		`["Numeric", 1000000]`:  number("1000000"),
		`["String", "X86_64"]`:  text("X86_64"),
		`["String", "4"]`:       text("4"),
		`["Boolean", "true"]`:   truth("true"),
		`["Boolean", false]`:    truth("false"),
		` [ "String" , "a b" ]`: text("a b"),
		`"X86_64"`:              text("X86_64"),
		`""`:                    text(""),
		`"4"`:                   number("4"),
		`"-1.5e3"`:              number("-1.5e3"),
		`"nan"`:                 text("nan"),
		`"Infinity"`:            text("Infinity"),
		`"0x10"`:                text("0x10"),
		`"4 GB"`:                text("4 GB"),
		`4`:                     number("4"),
		`-4.25`:                 number("-4.25"),
		`true`:                  truth("true"),
		`false`:                 truth("false"),
		`"true"`:                text("true"),
	} {
		var got ohfp.Attribute
		if err := json.Unmarshal([]byte(input), &got); err != nil {
			t.Errorf("%s: %v", input, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", input, diff)
		}
	}
}

func TestAttributeRefuses(t *testing.T) {
	t.Parallel()
	for _, input := range []string{
		`null`, `{}`, `{"Numeric":"4"}`, `[]`, `["Numeric"]`, `["Numeric","4","5"]`, `["Number","4"]`, `[4,"Numeric"]`,
		`["String",null]`, `["String",["a"]]`, `["numeric","4"]`, `["Numeric", 1e999]`,
	} {
		got := ohfp.Text("untouched")
		err := json.Unmarshal([]byte(input), &got)
		if !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("%s: error %v, want one of kind %q", input, err, ohfp.ErrInvalid)
		}
		if got != ohfp.Text("untouched") {
			t.Errorf("%s: refused, but the value became %v", input, got)
		}
	}
}

func TestAttributeWrites(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(map[string]ohfp.Attribute{
		"type": ohfp.Text("X86_64"), "ncpus": ohfp.Numeric(4), "spot": {Type: ohfp.AttributeBoolean, Value: "true"},
	})
	const want = `{"ncpus":["Numeric","4"],"spot":["Boolean","true"],"type":["String","X86_64"]}`
	if err != nil || string(got) != want {
		t.Errorf("wrote %s, error %v; want %s", got, err, want)
	}
}

func TestAttributeRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := ohfp.Attribute{
			Type:  rapid.SampledFrom([]string{ohfp.AttributeString, ohfp.AttributeNumeric, ohfp.AttributeBoolean}).Draw(t, "type"),
			Value: rapid.String().Filter(utf8.ValidString).Draw(t, "value"),
		}
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatalf("writing %v: %v", want, err)
		}
		var got ohfp.Attribute
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatalf("reading %s: %v", data, err)
		}
		if got != want {
			t.Fatalf("%v came back as %v", want, got)
		}
	})
}

func FuzzAttribute(f *testing.F) {
	for _, input := range []string{
		`["Numeric", "4"]`, `["Boolean", true]`, `"X86_64"`, `"4"`, `4`, `-1e5`, `true`, `null`, `[]`, `["String", {}]`, `["Numeric", 1e400]`,
	} {
		f.Add([]byte(input))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		var got ohfp.Attribute
		if err := json.Unmarshal(input, &got); err != nil {
			if json.Valid(input) && !errors.Is(err, ohfp.ErrInvalid) {
				t.Fatalf("%s is JSON, and its refusal has no kind: %v", input, err)
			}
			return
		}
		written, err := json.Marshal(got)
		if err != nil {
			t.Fatalf("%s was read as %v, which cannot be written: %v", input, got, err)
		}
		var again ohfp.Attribute
		if err := json.Unmarshal(written, &again); err != nil || again != got {
			t.Fatalf("%s was read as %v, then as %v, error %v", input, got, again, err)
		}
	})
}
