package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestThereAndBack(t *testing.T) {
	t.Parallel()
	want := Request{Action: "requestMachines", Instance: "i", Conf: "/c\n\"", File: "/f", Caller: "ann <a&b>"}
	for _, input := range []string{"", "{}", "\x00\n\xff", strings.Repeat("x", 1<<20)} {
		var wire bytes.Buffer
		if err := WriteRequest(&wire, want, []byte(input)); err != nil {
			t.Fatal(err)
		}
		got, data, err := ReadRequest(NewReader(&wire))
		if err != nil || string(data) != input {
			t.Fatalf("%d bytes became %d: %v", len(input), len(data), err)
		}
		expected := want
		expected.Version, expected.Input = Version, len(input)
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
		{greeting, `{"version":1}`, "unexpected EOF"},
		{greeting, `{"version":2}` + "\n", "version 2, not 1"},
		{greeting, "SSH-2.0\n", "not as expected"},
		{request, `{"version":1,"action":"x","input":3}` + "\nab", "read 3 bytes of input: unexpected EOF"},
		{request, `{"version":1,"action":"x","input":67108865}` + "\n", "67108865 bytes of input"},
		{request, `{"version":1,"input":"3"}` + "\n", "not as expected"},
		{request, strings.Repeat(" ", maxLine+1), "longer than"},
		{reply, `{"version":1,"exit":2}` + "\n", "exit code 2"},
		{reply, `{"version":1,"body":-1}` + "\n", "-1 bytes"},
		{reply, `{"version":1,"errors":2,"body":2}` + "\nabc", "unexpected EOF"},
		{reply, `{"version":7}` + "\n", "version 7, not 1"},
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
	if r, _, _, err := ReadReply(NewReader(strings.NewReader(`{"version":9,"declined":"too old"}` + "\n"))); err != nil || r.Declined != "too old" {
		t.Errorf("%+v %v", r, err)
	}
}

// FuzzReadRequest: whatever comes, a call that is taken is whole, and is the same when it is sent on.
func FuzzReadRequest(f *testing.F) {
	f.Add([]byte(`{"version":1,"action":"requestMachines","instance":"i","conf":"/c","caller":"ann","input":2}` + "\n{}"))
	f.Add([]byte(`{"version":1,"action":"status","input":0}` + "\n"))
	f.Add([]byte(`{"version":1,"action":"x","input":-1}` + "\n"))
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
	f.Add([]byte(`{"version":1,"exit":1,"errors":1,"body":3}` + "\ne{}\n"))
	f.Add([]byte(`{"version":1,"declined":"busy"}` + "\n"))
	f.Add([]byte(`{"version":1,"body":1073741824}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, errs, body, err := ReadReply(NewReader(bytes.NewReader(data)))
		if err == nil && r.Declined == "" && (len(errs) != r.Errors || len(body) != r.Body || r.Exit < 0 || r.Exit > 1) {
			t.Errorf("%+v with %d and %d bytes", r, len(errs), len(body))
		}
	})
}
