//go:build linux || darwin

package daemon

import (
	"bufio"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/internal/daemon/address"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
	"github.com/openhostfactory/ohfp/internal/peer"
)

// dial connects as far as the greeting.
func (w *world) dial() (net.Conn, *bufio.Reader) {
	w.tb.Helper()
	socket, err := address.Of(w.config.WorkDir)
	if err != nil {
		w.tb.Fatal(err)
	}
	var dialer net.Dialer
	connection, err := dialer.DialContext(w.tb.Context(), "unix", socket)
	if err != nil {
		w.tb.Fatal(err)
	}
	w.tb.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		w.tb.Fatal(err)
	}
	from := wire.NewReader(connection)
	greeting, err := wire.ReadGreeting(from)
	if err != nil || greeting.Declined != "" || greeting.Patience < int(patience/time.Second) {
		w.tb.Fatalf("greeting %+v, %v", greeting, err)
	}
	return connection, from
}

// TestOtherConfiguration: a caller that would work with another configuration is sent to do so.
func TestOtherConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	link := filepath.Join(shortDir(t), "link")
	if err := os.Symlink(w.config.ConfDir, link); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		request wire.Request
		want    string // empty: it is answered
	}{
		"the same":                {wire.Request{Instance: "awsinst", Conf: w.config.ConfDir}, ""},
		"the same by another way": {wire.Request{Instance: "awsinst", Conf: link}, ""},
		"another instance":        {wire.Request{Instance: "other", Conf: w.config.ConfDir}, `the provider instance "awsinst", not "other"`},
		"another directory":       {wire.Request{Instance: "awsinst", Conf: "/elsewhere"}, "not /elsewhere"},
		"another file":            {wire.Request{Instance: "awsinst", Conf: w.config.ConfDir, File: "/x.json"}, `not "/x.json"`},
	}
	socket, err := address.Of(w.config.WorkDir)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		test.request.Action = "getAvailableTemplates"
		answer, err := wire.Client{Socket: socket, Now: time.Now}.Call(test.request, []byte("{}"))
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want == "":
			if err := errors.Join(answer.Written(), answer.Close()); err != nil {
				t.Error(err)
			}
		case err == nil || errors.Is(err, wire.ErrLost) || !strings.Contains(err.Error(), test.want):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNonsenseIsDeclined: whatever comes, the caller is told that nothing was done.
func TestNonsenseIsDeclined(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	for sent, want := range map[string]string{
		"GET / HTTP/1.1\r\n": "not as expected",
		`{"version":1,"action":"requestMachines","input":0}` + "\n": "not as expected",
		"ohfp/3 action=requestMachines\n":                           "version 3",
		"ohfp/2 input=0\n":                                          "no action",
		"ohfp/2 action=status input=-1\n":                           "bytes of input",
		"ohfp/2 action=x input=99999999999\n":                       "bytes of input",
	} {
		connection, from := w.dial()
		if _, err := connection.Write([]byte(sent)); err != nil {
			t.Fatal(err)
		}
		reply, _, _, err := wire.ReadReply(from)
		if err != nil || !strings.Contains(reply.Declined, want) {
			t.Errorf("%q: %+v, %v", sent, reply, err)
		}
	}
	// Half a call is no call.
	connection, from := w.dial()
	if _, err := connection.Write([]byte("ohfp/2 action=requestMachines input=1000\n{")); err != nil {
		t.Fatal(err)
	}
	unix, ok := connection.(*net.UnixConn)
	if !ok {
		t.Fatalf("%T", connection)
	}
	if err := unix.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if reply, _, _, err := wire.ReadReply(from); err != nil || !strings.Contains(reply.Declined, "unexpected EOF") {
		t.Errorf("half a call: %+v, %v", reply, err)
	}
	if requests := w.all(); len(requests) != 0 {
		t.Errorf("%d requests were made", len(requests))
	}
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	me := uint32(os.Geteuid())
	tests := map[string]struct {
		peer   peer.Peer
		groups []uint32
		may    bool
		name   string
	}{
		"the same user":        {peer.Peer{UID: me}, nil, true, "ann"},
		"root":                 {peer.Peer{UID: 0}, nil, true, ""},
		"somebody":             {peer.Peer{UID: me + 12345, Groups: []uint32{7}}, nil, false, ""},
		"a member":             {peer.Peer{UID: me + 12345, Groups: []uint32{7}}, []uint32{5, 7}, true, "ann (user "},
		"a member among other": {peer.Peer{UID: me + 12345, Groups: []uint32{1, 2, 5}}, []uint32{5, 7}, true, ""},
		"no member":            {peer.Peer{UID: me + 12345, Groups: []uint32{1, 2}}, []uint32{5, 7}, false, ""},
	}
	for name, test := range tests {
		if err := admitted(test.peer, test.groups); (err == nil) != test.may {
			t.Errorf("%s: %v", name, err)
		}
		if got := nameOf(test.peer, "ann"); !strings.HasPrefix(got, test.name) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	if ids, err := groupIDs([]string{"4711", "root"}); err != nil || len(ids) != 2 || ids[0] != 4711 || ids[1] != 0 {
		t.Errorf("%v, %v", ids, err)
	}
	for _, name := range []string{"no-such-group", "-1", "4294967296"} {
		if _, err := groupIDs([]string{name}); err == nil || !strings.Contains(err.Error(), "daemon.groups") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
