package hostfactory

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzValue: what is cut out of a valid text is what encoding/json reads there.
func FuzzValue(f *testing.F) {
	for _, text := range []string{
		"{}", "[]", `{"machines":[{"name":"a","machineId":"b"},"c",null,5]}`, `{ "a" : { "b" : "\ud800\u0041" , "x":[{}, [1.5e3,true,false,null]], "b":"}" } }`,
		"[\t\"a\\\\\"\r,\n\"\\\"]\" , -0 ]", `{"machines":1,"machines":["b\xff"],"machine\u0049d":"ä"}`, `[[[[[{"b":[]}]]]]]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if json.Valid(text) {
			compare(t, value(text).after(' '))
		}
	})
}

// compare goes down into a text that begins with a value.
func compare(t *testing.T, text value) {
	t.Helper()
	v, _ := (text + " ").cut()
	switch v[0] {
	case '{':
		var want map[string]json.RawMessage
		if err := json.Unmarshal([]byte(v), &want); err != nil {
			t.Fatal(err)
		}
		object, keys := v.members(), map[string]bool{}
		for _, f := range object {
			keys[f.key] = true
		}
		if len(keys) != len(want) {
			t.Fatalf("%q has the members %v, want %v", v, object, want)
		}
		for key, raw := range want {
			if got := object.get(key); string(got) != string(raw) {
				t.Fatalf("%q has %q as %q, want %q", v, key, got, raw)
			}
			compare(t, object.get(key))
		}
	case '[':
		var want []json.RawMessage
		if err := json.Unmarshal([]byte(v), &want); err != nil {
			t.Fatal(err)
		}
		entries := v.entries()
		if len(entries) != len(want) {
			t.Fatalf("%q has the entries %v, want %v", v, entries, want)
		}
		for i, entry := range entries {
			if string(entry) != string(want[i]) {
				t.Fatalf("%q has %q at %d, want %q", v, entry, i, want[i])
			}
			compare(t, entry)
		}
	case '"':
		var want string
		if err := json.Unmarshal([]byte(v), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, v.unquote()); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", v, diff)
		}
	}
}
