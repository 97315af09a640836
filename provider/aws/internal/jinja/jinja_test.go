package jinja

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
)

// variables reads the variables that the reference was rendered with, numbers as templates see them.
func variables(tb testing.TB) map[string]any {
	tb.Helper()
	raw, err := os.ReadFile("testdata/variables.json")
	if err != nil {
		tb.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var tree map[string]any
	if err := decoder.Decode(&tree); err != nil {
		tb.Fatal(err)
	}
	dict, ok := plain(tb, tree).(map[string]any)
	if !ok {
		tb.Fatal("the variables are not an object")
	}
	return dict
}

func plain(tb testing.TB, value any) any {
	tb.Helper()
	switch value := value.(type) {
	case json.Number:
		if n, err := value.Int64(); err == nil {
			return int(n)
		}
		x, err := value.Float64()
		if err != nil {
			tb.Fatal(err)
		}
		return x
	case map[string]any:
		for key := range value {
			value[key] = plain(tb, value[key])
		}
	case []any:
		for i := range value {
			value[i] = plain(tb, value[i])
		}
	}
	return value
}

func render(ctx context.Context, source string, variables map[string]any) (string, error) {
	template, err := Parse(source)
	if err != nil {
		return "", err
	}
	return template.Render(ctx, variables)
}

// TestLikeJinja2 compares with what Jinja2 itself renders; testdata/render.py made the reference.
func TestLikeJinja2(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/rendered.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Template, Want string
		Fails          bool
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	given := variables(t)
	for _, test := range cases {
		got, err := render(t.Context(), test.Template, given)
		switch {
		case test.Fails && err == nil:
			t.Errorf("%q renders %q; Jinja2 refuses it", test.Template, got)
		case test.Fails && !errors.Is(err, ohfp.ErrInvalid):
			t.Errorf("%q: error %v is not ErrInvalid", test.Template, err)
		case !test.Fails && err != nil:
			t.Errorf("%q: %v; want %q", test.Template, err, test.Want)
		case !test.Fails && got != test.Want:
			t.Errorf("%q renders\n%q, Jinja2\n%q", test.Template, got, test.Want)
		}
	}
	if len(cases) < 100 {
		t.Errorf("only %d cases", len(cases))
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	given := variables(t)
	for source, want := range map[string]string{
		"{{ missing }}":               "template: line 1: missing is undefined",
		"\n{{ nested.missing }}":      "template: line 2: nested.missing is undefined",
		"a\n\n{% include 'x' %}":      "template: line 3: the statement include is not supported; use if, for, set or raw",
		"{% macro x() %}":             "template: line 1: the statement macro is not supported",
		"{{ name | tojsn }}":          "template: line 1: the filter tojsn is not supported; did you mean tojson?",
		"{{ subnets }}":               "template: line 1: a list cannot be put out as it is; write it with tojson or join",
		"{{ open('/etc/passwd') }}":   "template: line 1: the function open is not supported",
		"{{ name.__class__ }}":        "template: line 1: name.__class__ is undefined",
		"{{ name.format(1) }}":        "template: line 1: text has no method format with 1 such arguments",
		"{% if name %}":               "template: line 1: if is not ended; write {% endif %}",
		"{{ name":                     "template: line 1: a tag is opened and not closed; write }} at its end",
		"{{ name ! }}":                `template: line 1: "!" is not part of the language`,
		"{% set loop = 1 %}":          `template: line 1: "loop" is not a name for a variable`,
		"{% set x.y = 1 %}":           "template: line 1: attributes cannot be set; set a variable",
		"{{ 10 ** 10 ** 10 }}":        "template: line 1: a number becomes too large",
		"{{ range(1000000)|length }}": "template: line 1: range wants a step that is not 0, and gives at most 10000 numbers",
		"{{ 'x' * 1000000000 }}":      "template: line 1: a text becomes too long",
		"{% for i in range(9000) %}xxxxxxxxxx xxxxxxxxxx xxxxxxxxxx{% endfor %}":                      "template: line 1: the output has more than 262144 bytes; make it shorter",
		"{% for i in range(9000) %}{% for j in range(9000) %}{% set x = i %}{% endfor %}{% endfor %}": "template: line 1: the template takes too long; make its loops shorter",
		"{{ " + strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000) + " }}":                   "template: line 1: expressions are nested too deep",
		"{{ " + strings.Repeat("-", 1000) + "1 }}":                                                    "template: line 1: expressions are nested too deep",
		strings.Repeat("{% if flag %}", 1000):                                                         "template: line 1: blocks are nested too deep",
		"{% for i in range(9000) %}{% set x = 'x' * 200000 %}{% endfor %}":                            "template: line 1: the template makes too much; make its texts and lists shorter",
		"{% for i in range(9000) %}{% set x = range(9000)|list %}{% endfor %}":                        "template: line 1: the template makes too much; make its texts and lists shorter",
		"{{ range(-9223372036854775807, 9223372036854775807)|length }}":                               "template: line 1: range wants up to 3 whole numbers",
		strings.Repeat("x", MaxSource+1):                                                              "template: 262145 bytes are too many; use at most 262144",
	} {
		_, err := render(t.Context(), source, given)
		if err == nil || !errors.Is(err, ohfp.ErrInvalid) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60q is refused with %v, want %s", source, err, want)
		}
	}
}

func TestStopsWhenTimeIsUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if _, err := render(ctx, "{{ 1 }}", nil); !errors.Is(err, ohfp.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("rendered without time: %v", err)
	}
}

func TestVariablesStay(t *testing.T) {
	t.Parallel()
	given := map[string]any{"x": 1}
	if got, err := render(t.Context(), "{% set x = 2 %}{{ x }}", given); err != nil || got != "2" || given["x"] != 1 {
		t.Errorf("rendered %q, error %v, and left x as %v", got, err, given["x"])
	}
}

func FuzzRender(f *testing.F) {
	for _, seed := range []string{
		"{{ name }}", "{% for k, v in nested.items() %}{{ k|tojson }}{% endfor %}", "{{ subnets[1:]|join(',')|upper }}",
		"{% set x %}{{ count * 2 ** 3 }}{% endset %}{{ '%s' % x }}", "{%- raw -%}{{{%- endraw -%}", "{{ 'a' if x is defined else [1,{'b':2}]|tojson }}",
	} {
		f.Add(seed)
	}
	given := variables(f)
	f.Fuzz(func(t *testing.T, source string) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		out, err := render(ctx, source, given)
		if err != nil && !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("%q: error %v is not ErrInvalid", source, err)
		}
		if len(out) > MaxOutput {
			t.Errorf("%q renders %d bytes", source, len(out))
		}
	})
}
