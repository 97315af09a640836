package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/internal/daemon/address"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
)

func TestUnderstand(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"getRequestStatus -f x":             "getRequestStatus x",
		"requestMachines --file x":          "requestMachines x",
		"requestReturnMachines --file=x":    "requestReturnMachines x",
		"getReturnRequests -f":              "",
		"getReturnRequests -f -":            "",
		"getReturnRequests --file=":         "",
		"getReturnRequests":                 "",
		"-f getReturnRequests x":            "",
		"requests list x":                   "",
		"requestMachines -f x --config y":   "",
		"--log-level DEBUG requestMachines": "",
	} {
		action, file, err := understand(strings.Fields(line))
		if got := action + " " + file; (want == "") != (err != nil) || err == nil && got != want {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
}

func FuzzUnderstand(f *testing.F) {
	f.Add("getRequestStatus -f x")
	f.Add("requestMachines --file=x")
	f.Fuzz(func(t *testing.T, line string) {
		if action, file, err := understand(strings.Split(line, " ")); err == nil && (action == "" || file == "" || file == "-") {
			t.Errorf("%q: %q %q", line, action, file)
		}
	})
}

func executable(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(path), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	self := executable(t, filepath.Join(dir, "bin", "ohfp-hf"))
	beside := executable(t, filepath.Join(dir, "bin", "ohfp"))
	named := executable(t, filepath.Join(dir, "named", "its own name"))
	onPath := executable(t, filepath.Join(dir, "path", "ohfp"))
	lonely := executable(t, filepath.Join(dir, "lonely", "ohfp-hf"))
	link := filepath.Join(dir, "link")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "lonely", "ohfp"), 0o700); err != nil { // no program
		t.Fatal(err)
	}
	path := "PATH=" + filepath.Join(dir, "nowhere") + string(filepath.ListSeparator) + filepath.Dir(onPath)
	tests := map[string]struct {
		self    string
		environ []string
		want    string
	}{
		"what OHFP_COMMAND names":         {self, []string{"OHFP_COMMAND=" + named, path}, named},
		"OHFP_COMMAND in PATH":            {self, []string{"OHFP_COMMAND=ohfp", path}, onPath},
		"beside":                          {self, []string{path}, beside},
		"OHFP_COMMAND names this program": {self, []string{"OHFP_COMMAND=" + link, path}, beside},
		"in PATH":                         {lonely, []string{path}, onPath},
		"what OHFP_COMMAND names not":     {self, []string{"OHFP_COMMAND=/no/such", path}, ""},
		"OHFP_COMMAND not in PATH":        {self, []string{"OHFP_COMMAND=nobody", path}, ""},
		"nothing anywhere":                {lonely, nil, ""},
	}
	for name, test := range tests {
		got, err := find(directories.NewEnvironment(test.environ), test.self)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
	}
}

// host is a Host Factory whose daemon says what a test wants. There is no ohfp.
func host(t *testing.T, serve func(net.Conn, *bufio.Reader)) (environ []string) {
	t.Helper()
	var greeting bytes.Buffer
	if err := wire.WriteGreeting(&greeting, wire.Greeting{Patience: 10}); err != nil {
		t.Fatal(err)
	}
	return greeted(t, greeting.String(), serve)
}

// greeted is host with a greeting of its own.
func greeted(t *testing.T, greeting string, serve func(net.Conn, *bufio.Reader)) (environ []string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "h") //nolint:usetesting // its path would be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, address.Socket), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(connection, greeting)
			serve(connection, wire.NewReader(connection))
			_ = connection.Close()
		}
	}()
	return []string{"HF_PROVIDER_NAME=i", "HF_PROVIDER_CONFDIR=/c", "HF_PROVIDER_WORKDIR=" + dir, "USER=ann", "OHFP_COMMAND=/no/such/ohfp"}
}

func input(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hf_in")
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func message(t *testing.T, out []byte) string {
	t.Helper()
	var answer map[string]string
	if err := json.Unmarshal(out, &answer); err != nil || len(answer) != 1 || !bytes.HasSuffix(out, []byte("}\n")) {
		t.Fatalf("%q: %v", out, err)
	}
	return answer["message"]
}

func TestAnswerIsPassedOn(t *testing.T) {
	t.Parallel()
	confirmed := make(chan error, 1)
	environ := host(t, func(c net.Conn, from *bufio.Reader) {
		r, in, err := wire.ReadRequest(from)
		want := wire.Request{Action: "requestMachines", Instance: "i", Conf: "/c", Caller: "ann", Input: 2}
		if r.Call == "" {
			t.Error("the call has no id")
		}
		r.Call = ""
		if err != nil || r != want || string(in) != "{}" {
			t.Errorf("%+v %q %v", r, in, err)
		}
		_ = wire.WriteReply(c, wire.Reply{Exit: 1}, []byte("ohfp: no\n"), []byte("{\"message\":\"no\"}\n"))
		confirmed <- wire.ReadWritten(from)
	})
	var out, errw bytes.Buffer
	code := run([]string{"requestMachines", "-f", input(t)}, environ, &out, &errw)
	if code != 1 || out.String() != "{\"message\":\"no\"}\n" || errw.String() != "ohfp: no\n" {
		t.Errorf("%d %q %q", code, out.String(), errw.String())
	}
	if err := <-confirmed; err != nil {
		t.Error(err)
	}
	// An answer that could not be passed on is not confirmed.
	if code := run([]string{"requestMachines", "-f", input(t)}, environ, broken{}, &errw); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if err := <-confirmed; err == nil {
		t.Error("what was not written was confirmed")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }

// TestLostCall: requestMachines is never made twice; the others go to ohfp, which is missing here.
func TestLostCall(t *testing.T) {
	t.Parallel()
	environ := host(t, func(_ net.Conn, from *bufio.Reader) { _, _, _ = wire.ReadRequest(from) })
	for action, want := range map[string]string{
		"requestMachines":       "the daemon took the request and ended before it answered",
		"requestReturnMachines": "the program /no/such/ohfp was not found",
		"getRequestStatus":      "the program /no/such/ohfp was not found",
		"getReturnRequests":     "the program /no/such/ohfp was not found",
		"getAvailableTemplates": "the program /no/such/ohfp was not found",
	} {
		var out, errw bytes.Buffer
		code := run([]string{action, "-f", input(t)}, environ, &out, &errw)
		text := message(t, out.Bytes())
		if code != 1 || !strings.Contains(text, want) || errw.String() != "ohfp: "+text+"\n" {
			t.Errorf("%s: %d %q %q", action, code, text, errw.String())
		}
	}
}

// TestOtherVersion: a daemon of version 1 is told nothing, and the call goes to ohfp.
func TestOtherVersion(t *testing.T) {
	t.Parallel()
	told := make(chan string, 1)
	environ := greeted(t, `{"version":1,"patience":60}`+"\n", func(_ net.Conn, from *bufio.Reader) {
		heard, _ := io.ReadAll(from)
		told <- string(heard)
	})
	var out, errw bytes.Buffer
	code := run([]string{"requestMachines", "-f", input(t)}, environ, &out, &errw)
	if text := message(t, out.Bytes()); code != 1 || !strings.Contains(text, "/no/such/ohfp was not found") {
		t.Errorf("%d %q", code, text)
	}
	if heard := <-told; heard != "" {
		t.Errorf("it was told %q", heard)
	}
}

func TestCallID(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := newCallID()
		if len(id) != 26 || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" || seen[id] {
			t.Fatalf("%q", id)
		}
		seen[id] = true
	}
}

// TestReadAtLength: inputs of any length are read whole, and none is that would be refused.
func TestReadAtLength(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hf_in")
	for _, length := range []int{0, 1, 128<<10 - 1, 128 << 10, 128<<10 + 1, 1 << 20} {
		want := bytes.Repeat([]byte("x"), length)
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := read(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d of %d bytes: %v", len(got), length, err)
		}
	}
	if err := os.Truncate(path, wire.MaxInput+1); err != nil {
		t.Fatal(err)
	}
	if got, err := read(path); err == nil {
		t.Errorf("%d bytes are taken", len(got))
	}
	for _, path := range []string{filepath.Dir(path), path + ".missing"} {
		if got, err := read(path); err == nil {
			t.Errorf("%s: %d bytes", path, len(got))
		}
	}
}

// TestDeclinedCall: what the daemon has not taken goes to ohfp, requestMachines too.
func TestDeclinedCall(t *testing.T) {
	t.Parallel()
	environ := host(t, func(c net.Conn, from *bufio.Reader) {
		_, _, _ = wire.ReadRequest(from)
		_ = wire.WriteReply(c, wire.Reply{Declined: "other configuration"}, nil, nil)
	})
	var out, errw bytes.Buffer
	if code := run([]string{"requestMachines", "-f", input(t)}, environ, &out, &errw); code != 1 || !strings.Contains(message(t, out.Bytes()), "was not found") {
		t.Errorf("%d %s", code, out.String())
	}
}
