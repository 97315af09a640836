package document

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text, want string
	}{
		{"json", "a.json", "{\"a\": [1, {\"b\": null}], \"c\": \"x\\ny\"}", `{"a": [1, {"b": null}], "c": "x\ny"}`},
		{"json by content", "a", ` [true, -1.5e3, "\u00e9\\"]`, `[true, -1.5e3, "\u00e9\\"]`},
		{"json with a byte order mark", "a.json", "\xef\xbb\xbf{}", `{}`},
		{"json under a yaml name", "a.yml", `{"a": 1}`, `{"a": 1}`},
		{"flow yaml", "a.yml", `{a: 1, b: [x, y]}`, `{"a":1,"b":["x","y"]}`},
		{"yaml by content", "a.conf", "a: yes\nb: ~\nc:\n- 1\n- 0x1F\n- 1_000\n- 012\n- 1.50\n", `{"a":"yes","b":null,"c":[1,31,1000,10,1.50]}`},
		{"yaml dates are text", "a.yaml", "a: 2024-01-01\n1: true\n", `{"a":"2024-01-01","1":true}`},
		{"yaml merges", "a.yaml", "x: &x {b: 1, c: 2}\ny: &y {c: 3, d: 4}\nz: {<<: [*x, *y], b: 0}\n", `{"x":{"b":1,"c":2},"y":{"c":3,"d":4},"z":{"b":0,"c":2,"d":4}}`},
		{"nothing", "a.json", " \n", `null`},
		{"yaml comments only", "a.yml", "---\n# none\n", `null`},
		{"yaml empty value", "a.yml", "a:\n", `{"a":null}`},
		{"a bare word", "a", "word", `"word"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root, err := Parse(tt.file, []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(root.JSON()); got != tt.want {
				t.Errorf("JSON() = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text, want string
	}{
		{"json syntax", "a.json", "{\n  \"a\": 1,\n  }\n", `a.json:3:3: invalid character '}' looking for beginning of object key string`},
		{"json cut off", "a.json", "{\n  \"a\": 1", `a.json:2:8: unexpected end of JSON input`},
		{"yaml under a json name", "a.json", "a: 1", `a.json:1:1: invalid character 'a' looking for beginning of value`},
		{"yaml syntax", "a.yml", "a: [1\nb: 2", `a.yml:2:2: did not find expected ',' or ']'`},
		{"yaml tab", "a.yml", "a:\n\tb: 1\n", `a.yml:2:1: found character that cannot start any token`},
		{"two documents", "a.yml", "a: 1\n---\nb: 1\n", `a.yml: expected single document, found multiple`},
		{"refers to itself", "a.yml", "a: &x\n- *x\n", `a.yml:2: the value is nested too deeply, refers to itself or grows without bound through its aliases; write it out`},
		{"odd tag", "a.yml", "a: 1\nb: !!binary aGk=\n", `a.yml:2: the tag !!binary is not supported; write plain text, numbers, true or false`},
		{"infinite", "a.yml", "a: .inf\n", `a.yml:1: .inf is not a number that can be used here; write it in quotes to make it text`},
		{"odd key", "a.yml", "? [1]\n: 2\n", `a.yml:1: a key is a list or an object; write a plain word`},
		{"merge of a number", "a.yml", "a:\n  <<: 1\n", `a.yml:2: << merges objects only; give it an alias of one or a list of such`},
		{"utf-16", "a.json", "\xff\xfe{\x00}\x00", `a.json is UTF-16; save it as UTF-8`},
		{"latin 1", "a.json", "{\"a\": \"\xe9\"}", `a.json is not UTF-8; save it as UTF-8`},
		{"too large", "a.json", strings.Repeat(" ", MaxBytes+1), `a.json has more than 16 MiB; split it`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(tt.file, []byte(tt.text))
			if err == nil || err.Error() != tt.want {
				t.Fatalf("Parse = %v, want %s", err, tt.want)
			}
			if !errors.Is(err, ohfp.ErrInvalid) {
				t.Errorf("%v is not ErrInvalid", err)
			}
		})
	}
}

func TestAliasesCannotExplode(t *testing.T) {
	t.Parallel()
	text := "a0: &a0 [" + strings.Repeat("x,", 10) + "]\n"
	for i := 1; i < 12; i++ {
		before := "*a" + string(rune('a'+i-1))
		if i == 1 {
			before = "*a0"
		}
		text += "a" + string(rune('a'+i)) + ": &a" + string(rune('a'+i)) + " [" + strings.Repeat(before+",", 10) + "]\n"
	}
	if _, err := Parse("bomb.yml", []byte(text)); err == nil || !strings.Contains(err.Error(), "grows without bound") {
		t.Errorf("Parse = %v, want the bound named", err)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"a.json": "\n{\n  \"a\": 1,\n  \"b\": [\n    2,\n    {\"c\":\n      3}\n  ]\n}",
		"a.yml":  "\n\na: 1\nb:\n- 2\n- c:\n    3\n",
	}
	for file, text := range texts {
		root, err := Parse(file, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		b := root.Fields[1]
		got := []int{root.Fields[0].Line, b.Line, b.Value.Items[0].Line, b.Value.Items[1].Line, b.Value.Items[1].Fields[0].Value.Line}
		if diff := cmp.Diff([]int{3, 4, 5, 6, 7}, got); diff != "" {
			t.Errorf("%s: lines (-want +got):\n%s", file, diff)
		}
	}
}

func TestRepeated(t *testing.T) {
	t.Parallel()
	root, err := Parse("a.json", []byte("{\"x\": [{\"a\": 1,\n\"b\": 2,\n\"\\u0061\": 3}]}"))
	if err != nil {
		t.Fatal(err)
	}
	first, second, ok := root.Repeated()
	if !ok || first.Key != "a" || first.Line != 1 || second.Line != 3 {
		t.Errorf("Repeated() = %v, %v, %v; want a on lines 1 and 3", first, second, ok)
	}
	if _, _, ok := root.Fields[0].Value.Items[0].Fields[1].Value.Repeated(); ok {
		t.Error("a number has a repeated key")
	}
}

func TestMapStrings(t *testing.T) {
	t.Parallel()
	root, err := Parse("a.json", []byte(`{"a": "x", "b": [1, "y", {"x": "<"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	changed, err := root.MapStrings(func(n Node) (string, error) { return n.Text() + "!", nil })
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(changed.JSON(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": "x!", "b": []any{1.0, "y!", map[string]any{"x": "<!"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("MapStrings (-want +got):\n%s", diff)
	}
	if got := string(root.JSON()); got != `{"a": "x", "b": [1, "y", {"x": "<"}]}` {
		t.Errorf("the original became %s", got)
	}
	fault := errors.New("no")
	if _, err := root.MapStrings(func(Node) (string, error) { return "", fault }); !errors.Is(err, fault) {
		t.Errorf("MapStrings = %v, want the error of change", err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.json")
	if _, err := Read(path); !errors.Is(err, os.ErrNotExist) || err.Error() != path+" cannot be read: no such file or directory" {
		t.Errorf("Read of no file = %v", err)
	}
	if err := os.WriteFile(path, []byte(`[1]`), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := Read(path)
	if err != nil || len(root.Items) != 1 || root.Items[0].Text() != "1" {
		t.Errorf("Read = %v, %v", root, err)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	candidates := []string{"limits.max_machines", "limits.max_machines_per_request", "logging.level", "file"}
	tests := map[string]string{
		"limits.max_machine":  "limits.max_machines",
		"limits.max-machines": "limits.max_machines",
		"LOGGING.LEVEL":       "logging.level",
		"fiel":                "file",
		"something":           "",
	}
	for word, want := range tests {
		if got := Nearest(word, candidates); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a.json", `{"a": [1, "b\n", null, {"c": true}]}`)
	f.Add("a.yml", "a: &x {b: 1}\nc: {<<: *x}\n")
	f.Add("a", "\xef\xbb\xbf[0x1, ~]")
	f.Fuzz(func(t *testing.T, name, text string) {
		root, err := Parse(name, []byte(text))
		if err != nil {
			return
		}
		raw := root.JSON()
		if !json.Valid(raw) {
			t.Fatalf("JSON() of %q = %q, which is not JSON", text, raw)
		}
		same, err := root.MapStrings(func(n Node) (string, error) { return n.Text(), nil })
		if err != nil {
			t.Fatal(err)
		}
		var before, after any
		if json.Unmarshal(raw, &before) == nil && json.Unmarshal(same.JSON(), &after) == nil && !cmp.Equal(before, after) {
			t.Errorf("%q changed: %s", text, cmp.Diff(before, after))
		}
		root.Repeated()
	})
}

func BenchmarkParseJSON(b *testing.B) {
	text := []byte(`{"templates": [` + strings.Repeat(`{"templateId": "a", "maxNumber": 10, "attributes": {"type": ["String", "X86_64"], "ncpus": ["Numeric", "4"]}, "vmTypes": {"m5.large": 1, "m5.xlarge": 2}, "securityGroupIds": ["sg-1", "sg-2"]},`+"\n", 20) + `{}]}`)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse("a.json", text); err != nil {
			b.Fatal(err)
		}
	}
}
