package main

import (
	"encoding/json"
	"testing"
)

// FuzzQuoted: what is refused reads the same whoever refuses it.
func FuzzQuoted(f *testing.F) {
	for _, text := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "<a>&b", "\u2028\u2029\ufffd", "\xff\xc3", "日本語 ü 😀"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := quoted(text); got != string(want) {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
