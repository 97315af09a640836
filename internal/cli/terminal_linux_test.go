package cli

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
)

// terminal opens a pseudo terminal of the given width. What is written to it is returned by read, which closes it.
func terminal(t *testing.T, width uint16) (tty *os.File, read func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	descriptor := int(master.Fd())
	if err := unix.IoctlSetPointerInt(descriptor, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(descriptor, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(descriptor, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: width}); err != nil {
		t.Fatal(err)
	}
	seen := make(chan string, 1)
	go func() {
		// The read ends with an error once the other side is closed: that is how terminals end.
		text, _ := io.ReadAll(master)
		seen <- string(text)
	}()
	return tty, func() string {
		_ = tty.Close()
		return <-seen
	}
}

// TestProgressOnATerminal: who watches sees a bar, which is gone when the answer comes.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	tty, read := terminal(t, 70)
	d := &desk{}
	var out bytes.Buffer
	p := d.program(&out, &bytes.Buffer{})
	p.errw = tty
	code := p.run(t.Context(), []string{"requests", "create", "--template-id", "t", "--count", "2", "--wait"})
	seen := read()
	expect(t, exitOK, code, seen)
	if !strings.Contains(seen, "░] 0 of 2 ready, 0s") || !strings.HasSuffix(seen, "\r\x1b[K") {
		t.Errorf("the terminal shows %q", seen)
	}
	if strings.Contains(out.String(), "░") || !strings.Contains(out.String(), `"complete"`) {
		t.Errorf("the answer is %s", out.String())
	}
}

func TestQuietOnATerminal(t *testing.T) {
	t.Parallel()
	tty, read := terminal(t, 70)
	p := (&desk{}).program(&bytes.Buffer{}, &bytes.Buffer{})
	p.errw = tty
	code := p.run(t.Context(), []string{"requests", "create", "--template-id", "t", "--wait", "--quiet"})
	seen := read()
	expect(t, exitOK, code, seen)
	if seen != "" {
		t.Errorf("the terminal shows %q", seen)
	}
}

// TestTablesOnATerminal: colour by state and the terminal's own width, unless NO_COLOR says no.
func TestTablesOnATerminal(t *testing.T) {
	t.Parallel()
	for _, noColour := range []string{"", "1"} {
		tty, read := terminal(t, 60)
		d := &desk{}
		p := d.program(&bytes.Buffer{}, &bytes.Buffer{})
		p.out = tty
		p.lookupEnv = func(name string) (string, bool) {
			value, ok := map[string]string{"NO_COLOR": noColour, "TERM": "xterm", "COLUMNS": "200"}[name]
			return value, ok
		}
		deadline := time.Now().Add(10 * time.Second)
		for _, args := range []string{"requests create --template-id t", "requests status " + known + " --format table"} {
			if code := p.run(t.Context(), strings.Fields(args)); code != exitOK || time.Now().After(deadline) {
				t.Fatalf("%s: exit code %d", args, code)
			}
		}
		seen := read()
		if coloured := strings.Contains(seen, "\x1b[32mcomplete\x1b[0m"); coloured != (noColour == "") {
			t.Errorf("NO_COLOR=%q: the terminal shows %q", noColour, seen)
		}
		for line := range strings.Lines(seen) {
			if n := len([]rune(strings.TrimRight(line, "\r\n"))); n > 60+9 { // 9 for the escape sequences
				t.Errorf("a line of %d columns: %s", n, line)
			}
		}
	}
}

// TestConfirmationOnATerminal: who sits there is asked before everything is given back, and --no-color is kept to.
func TestConfirmationOnATerminal(t *testing.T) {
	t.Parallel()
	d := &desk{}
	if code, _, stderr := d.run(t.Context(), "requests", "create", "--template-id", "t", "--wait"); code != exitOK {
		t.Fatal(stderr)
	}
	for _, answer := range []string{"n\n", "yes\n"} {
		tty, read := terminal(t, 70)
		p := d.program(&bytes.Buffer{}, &bytes.Buffer{})
		p.in, p.errw = strings.NewReader(answer), tty
		before := len(d.asked)
		code := p.run(t.Context(), []string{"machines", "stop", "--all"})
		seen := read()
		if !strings.Contains(seen, "stop 1 machine, all there is? [y/N] ") {
			t.Errorf("the terminal shows %q", seen)
		}
		_, did := d.asked[len(d.asked)-1].(command.SwitchMachines)
		if did != (answer == "yes\n") || code != exitFailure || len(d.asked) == before {
			t.Errorf("%q: exit code %d, done %v", answer, code, did)
		}
	}
	tty, read := terminal(t, 60)
	p := d.program(&bytes.Buffer{}, &bytes.Buffer{})
	p.out = tty
	p.lookupEnv = func(name string) (string, bool) { return "xterm", name == "TERM" }
	code := p.run(t.Context(), []string{"requests", "status", known, "--format", "table", "--no-color"})
	seen := read()
	if code != exitOK || !strings.Contains(seen, "complete") || strings.Contains(seen, "\x1b[") {
		t.Errorf("exit code %d, the terminal shows %q", code, seen)
	}
}

// TestNoConfirmation: whoever says nothing, something else or nothing more has not agreed, on a terminal and through a pipe.
func TestNoConfirmation(t *testing.T) {
	t.Parallel()
	for _, watched := range []bool{true, false} {
		for _, answer := range []string{"", "\n", "maybe\n", "n", "y"} {
			d := &desk{}
			if code, _, stderr := d.run(t.Context(), "requests", "create", "--template-id", "t", "--wait"); code != exitOK {
				t.Fatal(stderr)
			}
			var piped bytes.Buffer
			p := d.program(&bytes.Buffer{}, &piped)
			read := piped.String
			if watched {
				p.errw, read = terminal(t, 80)
			}
			p.in = strings.NewReader(answer)
			code := p.run(t.Context(), []string{"machines", "stop", "--all"})
			said := read()
			_, did := d.asked[len(d.asked)-1].(command.SwitchMachines)
			switch {
			case did != (answer == "y"): // without the end of its line, too
				t.Errorf("watched %t, %q: done %t, %q", watched, answer, did, said)
			case did:
			case !watched && answer == "" && (code != exitUsage || !strings.Contains(said, "pass --yes to do it")):
				t.Errorf("without anybody to ask: exit code %d, %q", code, said)
			case (watched || answer != "") && (code != exitFailure || !strings.Contains(said, "nothing was done")):
				t.Errorf("watched %t, %q: exit code %d, %q", watched, answer, code, said)
			}
			if strings.Contains(said, "[y/N]") != watched {
				t.Errorf("watched %t, %q: it says %q", watched, answer, said)
			}
		}
	}
}

// escapes are what colours and moves on a terminal.
var escapes = regexp.MustCompile("\x1b\\[[0-9;]*[a-zA-Z]")

// TestTablesFold: at 80 columns no line is longer, and nothing that a wide table has is missing.
func TestTablesFold(t *testing.T) {
	t.Parallel()
	d := &desk{}
	if code, _, stderr := d.run(t.Context(), "requests", "create", "--template-id", "t", "--wait"); code != exitOK {
		t.Fatal(stderr)
	}
	for _, command := range []string{"requests list", "requests show " + known, "machines list"} {
		shown := map[uint16]string{}
		for _, width := range []uint16{80, 300} {
			tty, read := terminal(t, width)
			p := d.program(&bytes.Buffer{}, &bytes.Buffer{})
			p.out = tty
			code := p.run(t.Context(), append(strings.Fields(command), "--format", "table"))
			shown[width] = escapes.ReplaceAllString(read(), "")
			if code != exitOK {
				t.Fatalf("%s: exit code %d", command, code)
			}
			for line := range strings.Lines(shown[width]) {
				if n := len([]rune(strings.TrimRight(line, "\r\n"))); n > int(width) {
					t.Errorf("%s: a line of %d columns at %d: %s", command, n, width, line)
				}
			}
		}
		narrow := strings.ToLower(shown[80])
		for _, word := range strings.FieldsFunc(strings.ToLower(shown[300]), func(r rune) bool { return !unicode.IsLetter(r) }) {
			if !strings.Contains(narrow, word) && len(word) < 12 { // longer ones may be folded within
				t.Errorf("%s at 80 columns has no %q:\n%s", command, word, shown[80])
			}
		}
	}
}

// TestProgressInColour: the part that is done is green, unless NO_COLOR or --no-color says no; a dumb terminal gets none.
func TestProgressInColour(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  map[string]string
		args []string
		want bool
	}{
		"colour":     {map[string]string{"TERM": "xterm"}, nil, true},
		"NO_COLOR":   {map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, nil, false},
		"--no-color": {map[string]string{"TERM": "xterm"}, []string{"--no-color"}, false},
		"dumb":       {map[string]string{"TERM": "dumb"}, nil, false},
	} {
		tty, read := terminal(t, 80)
		p := (&desk{}).program(&bytes.Buffer{}, &bytes.Buffer{})
		p.errw = tty
		p.lookupEnv = func(key string) (string, bool) { value, ok := test.env[key]; return value, ok }
		bar := newProgress(tty, false, p.screen(tty))
		if len(test.args) > 0 {
			p.global.NoColour = true
			bar = newProgress(tty, false, p.screen(tty))
		}
		machine := ohfp.Machine{ID: "i-1", State: ohfp.MachineRunning, DeliveredAt: time.Unix(1, 0)}
		bar.draw(ohfp.Request{Type: ohfp.TypeAcquire, Count: 2, Machines: []ohfp.Machine{machine}})
		seen := read()
		if coloured := strings.Contains(seen, "\x1b[32m█"); coloured != test.want || !strings.Contains(seen, "1 of 2 ready") {
			t.Errorf("%s: the terminal shows %q", name, seen)
		}
	}
}
