package main

import (
	"bytes"
	"strings"
	"testing"
)

// told is what go test -json tells of one case.
func told(backend, api, name, action, reason string) string {
	test := `"Package":"p","Test":"TestConformance/` + api + `/` + name + `"`
	text := ""
	for key, value := range map[string]string{"backend": backend, "api": api, "case": name, "reason": reason} {
		if value != "" {
			text += `{"Action":"attr",` + test + `,"Key":"` + key + `","Value":"` + value + `"}` + "\n"
		}
	}
	if action == "fail" {
		text += `{"Action":"output",` + test + `,"Output":"    launch.go:1: the machine is on fire\n"}` + "\n"
	}
	return text + `{"Action":"` + action + `",` + test + `}` + "\n"
}

const (
	first  = "good templates are valid"
	second = "close twice"
)

func TestTable(t *testing.T) {
	t.Parallel()
	in := told("fake", "Fleet", first, "pass", "") +
		told("awssim", "ASG", first, "pass", "") + told("moto", "ASG", first, "skip", "moto has none") +
		told("awssim", "ASG", second, "skip", "there is no door") + told("moto", "ASG", second, "skip", "moto has none")
	var out bytes.Buffer
	if err := run(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		lines[strings.Join(strings.Fields(line), " ")] = true
	}
	for _, want := range []string{
		"Fleet fake", "ASG awssim moto",
		first + " pass", first + " pass not supported (1)", second + " not supported (2) not supported (1)",
		"(1) moto has none", "(2) there is no door",
	} {
		if !lines[want] {
			t.Errorf("the table has no line %q:\n%s", want, out.String())
		}
	}
	if !strings.Contains(out.String(), "2 pass, 3 not supported, ") || !strings.HasSuffix(out.String(), " 0 FAIL\n") {
		t.Errorf("the table is summed up wrongly:\n%s", out.String())
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct{ in, want string }{
		"a case that fails":        {told("moto", "ASG", second, "fail", ""), "the machine is on fire"},
		"a package that fails":     {`{"Action":"output","Package":"p","Output":"panic\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, "panic"},
		"a package without a form": {"# p\nmain.go:1: syntax error\n" + `{"Action":"fail","Package":"p"}`, "syntax error"},
		"nothing at all":           {"", "0 FAIL"},
	} {
		var out bytes.Buffer
		if err := run(strings.NewReader(test.in), &out); err == nil {
			t.Errorf("%s is no error", what)
		}
		if !strings.Contains(out.String(), test.want) {
			t.Errorf("%s is not told:\n%s", what, out.String())
		}
	}
}
