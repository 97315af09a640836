package wire

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestThereAndBack(t *testing.T) {
	t.Parallel()
	want := Request{Action: "requestMachines", Instance: "i", Conf: "/c\n\" %41=\x00\x7f\xff", File: "/" + strings.Repeat("long é/", 5000), Caller: "ann <a&b>", Call: "id"}
	for _, input := range []string{"", "{}", "\x00\n\xff", strings.Repeat("x", joined), strings.Repeat("x", 3*claimed+1)} {
		var wire bytes.Buffer
		if err := WriteRequest(&wire, want, []byte(input)); err != nil {
			t.Fatal(err)
		}
		got, data, err := ReadRequest(NewReader(&wire))
		if err != nil || string(data) != input {
			t.Fatalf("%d bytes became %d: %v", len(input), len(data), err)
		}
		expected := want
		expected.Input = len(input)
		if diff := cmp.Diff(expected, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestReplyThereAndBack(t *testing.T) {
	t.Parallel()
	var wire bytes.Buffer
	if err := WriteReply(&wire, Reply{Exit: 1}, []byte("ohfp: no\n"), []byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	if err := WriteWritten(&wire); err != nil {
		t.Fatal(err)
	}
	from := NewReader(&wire)
	reply, errs, body, err := ReadReply(from)
	if err != nil || reply.Exit != 1 || string(errs) != "ohfp: no\n" || string(body) != "{}\n" {
		t.Errorf("%+v %q %q %v", reply, errs, body, err)
	}
	if err := ReadWritten(from); err != nil {
		t.Error(err)
	}
	if err := ReadWritten(from); err == nil {
		t.Error("written twice")
	}
}

func TestRefusedMessages(t *testing.T) {
	t.Parallel()
	greeting := func(s string) error { _, err := ReadGreeting(NewReader(strings.NewReader(s))); return err }
	request := func(s string) error { _, _, err := ReadRequest(NewReader(strings.NewReader(s))); return err }
	reply := func(s string) error { _, _, _, err := ReadReply(NewReader(strings.NewReader(s))); return err }
	confirmed := func(s string) error { return ReadWritten(NewReader(strings.NewReader(s))) }
	tests := []struct {
		read func(string) error
		text string
		want string
	}{
		{greeting, "", "EOF"},
		{greeting, "ohfp/2", "unexpected EOF"},
		{greeting, "ohfp/3\n", "version 3, not 2"},
		{greeting, `{"version":1,"patience":60}` + "\n", "not ohfp/2"},
		{greeting, "SSH-2.0\n", "not as expected"},
		{greeting, "ohfp/2 patience=soon\n", `patience is "soon", not a number`},
		{greeting, "ohfp/2 patience\n", `"patience", not key=value`},
		{greeting, "ohfp/2 patience=1 patience=2\n", "once for each key"},
		{greeting, "ohfp/2 declined=%4\n", "not as expected"},
		{greeting, "ohfp/2 declined=%zz\n", "not as expected"},
		{request, "ohfp/2 action=x input=3\nab", "read 3 bytes of input: unexpected EOF"},
		{request, "ohfp/2 action=x input=67108865\n", "67108865 bytes of input"},
		{request, "ohfp/2 action=x input=3.5\n", "not as expected"},
		{request, `{"version":1,"action":"x","input":0}` + "\n", "not ohfp/2"},
		{request, strings.Repeat(" ", maxLine+1), "longer than"},
		{reply, "ohfp/2 exit=2\n", "exit code 2"},
		{reply, "ohfp/2 body=-1\n", "-1 bytes"},
		{reply, "ohfp/2 errors=2 body=2\nabc", "unexpected EOF"},
		{reply, "ohfp/7\n", "version 7, not 2"},
		{confirmed, "", "EOF"},
		{confirmed, "yes\n", `"yes\n"`},
	}
	for _, test := range tests {
		if err := test.read(test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60q: %v, want %s", test.text, err, test.want)
		}
	}
	if err := WriteRequest(&bytes.Buffer{}, Request{Conf: strings.Repeat("x", maxLine)}, nil); err == nil {
		t.Error("a line that nobody reads was written")
	}
	// Whoever speaks another version is understood when it declines.
	if r, _, _, err := ReadReply(NewReader(strings.NewReader("ohfp/9 declined=too%20old\n"))); err != nil || r.Declined != "too old" {
		t.Errorf("%+v %v", r, err)
	}
}

// version1 is how a caller of version 1, which was JSON, reads a greeting.
func version1(greeting []byte) error {
	var g struct{ Version int }
	return json.Unmarshal(greeting, &g)
}

// TestOldCallersLeave: what the daemon says first is nothing to a caller of version 1, which leaves then.
func TestOldCallersLeave(t *testing.T) {
	t.Parallel()
	for _, g := range []Greeting{{Patience: 60}, {Declined: "busy"}} {
		var wire bytes.Buffer
		if err := WriteGreeting(&wire, g); err != nil {
			t.Fatal(err)
		}
		if err := version1(wire.Bytes()); err == nil {
			t.Errorf("%s is understood", wire.Bytes())
		}
	}
}

// TestLinesCanBeRead: this is what a trace shows.
func TestLinesCanBeRead(t *testing.T) {
	t.Parallel()
	var wire bytes.Buffer
	r := Request{Action: "requestMachines", Instance: "i", Conf: "/etc/my files/ü", Caller: "100%", Call: "id"}
	if err := WriteRequest(&wire, r, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	want := "ohfp/2 action=requestMachines instance=i conf=/etc/my%20files/ü caller=100%25 call=id input=2\n{}"
	if wire.String() != want {
		t.Errorf("%q, want %q", wire.String(), want)
	}
}

// FuzzLine: a value comes back as it was, whatever bytes it has.
func FuzzLine(f *testing.F) {
	f.Add("/c d", "%41\n\x00\xff=")
	f.Fuzz(func(t *testing.T, a, b string) {
		text := string(newLine().text("a", a).number("n", len(b)).text("b", b))
		got, err := parse(text)
		if err != nil || got.text("a") != a || got.text("b") != b || got.number("n") != len(b) || strings.ContainsAny(text, "\n\x00") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	})
}

// FuzzReadRequest: whatever comes, a call that is taken is whole, and is the same when it is sent on.
func FuzzReadRequest(f *testing.F) {
	f.Add([]byte("ohfp/2 action=requestMachines instance=i conf=/c caller=ann%20b input=2\n{}"))
	f.Add([]byte("ohfp/2 action=status input=0\n"))
	f.Add([]byte("ohfp/2 action=x input=-1\n"))
	f.Add([]byte(`{"version":1,"action":"x","input":0}` + "\n"))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, input, err := ReadRequest(NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		if len(input) != r.Input || r.Action == "" || len(input) > len(data) {
			t.Fatalf("%+v with %d bytes", r, len(input))
		}
		var wire bytes.Buffer
		if err := WriteRequest(&wire, r, input); err != nil {
			t.Fatal(err)
		}
		again, same, err := ReadRequest(NewReader(&wire))
		if err != nil || again != r || !bytes.Equal(same, input) {
			t.Errorf("%+v became %+v: %v", r, again, err)
		}
	})
}

// FuzzReadReply: the same for answers.
func FuzzReadReply(f *testing.F) {
	f.Add([]byte("ohfp/2 exit=1 errors=1 body=3\ne{}\n"))
	f.Add([]byte("ohfp/2 declined=busy%0a\n"))
	f.Add([]byte("ohfp/2 body=1073741824\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, errs, body, err := ReadReply(NewReader(bytes.NewReader(data)))
		if err == nil && r.Declined == "" && (len(errs) != r.Errors || len(body) != r.Body || r.Exit < 0 || r.Exit > 1) {
			t.Errorf("%+v with %d and %d bytes", r, len(errs), len(body))
		}
	})
}
