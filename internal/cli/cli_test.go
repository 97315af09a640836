package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/output"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, kind := range append(ohfp.Kinds(), nil) {
		cause := errors.New("the reason")
		if kind != nil {
			cause = ohfp.Errorf(kind, "the reason")
		}
		d := &desk{refuse: cause}
		code, stdout, stderr := d.run(t.Context(), "requests", "create", "--template-id", "t")
		expect(t, exitFailure, code, stderr)
		if stderr != "ohfp: the reason\n" || stdout != "" {
			t.Errorf("%v: standard error %q, standard output %q", kind, stderr, stdout)
		}
	}
	d := &desk{panics: true}
	code, _, stderr := d.run(t.Context(), "requests", "create", "--template-id", "t")
	expect(t, exitFailure, code, stderr)
	if !strings.HasPrefix(stderr, "ohfp: internal error: boom") {
		t.Errorf("panic: %q", stderr)
	}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	code, _, stderr = (&desk{}).run(interrupted, "requests", "status", "a")
	expect(t, exitInterrupted, code, stderr)
	if stderr != "ohfp: interrupted\n" {
		t.Errorf("interrupted: %q", stderr)
	}
}

func TestCreateAnswersThenRecordsIt(t *testing.T) {
	t.Parallel()
	d := &desk{}
	code, stdout, stderr := d.run(t.Context(), "requests", "create", "--template-id", "t", "--count", "2")
	expect(t, exitOK, code, stderr)
	var view map[string]any
	if err := json.Unmarshal([]byte(stdout), &view); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	if view["requestId"] != known || view["status"] != "in_progress" || view["delivered"] != 0.0 || view["count"] != 2.0 {
		t.Errorf("answer %v", view)
	}
	if diff := cmp.Diff([]ohfp.RequestID{known}, d.answered); diff != "" {
		t.Error(diff)
	}
}

// TestUnwrittenAnswer: an id that could not be written has not left us.
func TestUnwrittenAnswer(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"requests", "create", "--template-id", "t"},
		{"requestMachines", "-f", inputFile(t, `{"template":{"templateId":"t","machineCount":1}}`)},
	} {
		d := &desk{}
		var errw bytes.Buffer
		p := d.program(&bytes.Buffer{}, &errw)
		p.out = brokenPipe{}
		expect(t, exitFailure, p.run(t.Context(), args), errw.String())
		if len(d.answered) > 0 || !strings.Contains(errw.String(), "write the answer: broken pipe") {
			t.Errorf("%v: answered %v, standard error %q", args, d.answered, errw.String())
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func inputFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hf_in")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStatusOfUnknown(t *testing.T) {
	t.Parallel()
	d := &desk{requests: []ohfp.Request{{ID: known, Type: ohfp.TypeAcquire, Status: ohfp.StatusFailed, Message: "no"}}}
	code, stdout, stderr := d.run(t.Context(), "requests", "status", known, "req-12345")
	expect(t, exitFailure, code, stderr)
	if !strings.Contains(stdout, known) || stderr != "ohfp: request req-12345 does not exist; see ohfp requests list\n" {
		t.Errorf("%s\n%s", stdout, stderr)
	}
	code, _, stderr = d.run(t.Context(), "requests", "status", known)
	expect(t, exitOK, code, stderr) // the question was answered
}

func TestUnreachableCloud(t *testing.T) {
	t.Parallel()
	gone := ohfp.Errorf(ohfp.ErrUnavailable, "no route to the cloud")
	denied := ohfp.Errorf(ohfp.ErrDenied, "not allowed to DescribeInstances")
	for _, args := range []string{"requests status " + known, "requests show " + known, "machines list"} {
		d := &desk{requests: []ohfp.Request{{ID: known}}, problems: []error{gone, gone, denied}}
		code, stdout, stderr := d.run(t.Context(), strings.Fields(args)...)
		expect(t, exitOK, code, stderr)
		if stdout == "" || stderr != "ohfp: the cloud could not be asked, this is what was known last: no route to the cloud\n" {
			t.Errorf("%s: %q %q", args, stdout, stderr)
		}
		code, _, stderr = d.run(t.Context(), append(strings.Fields(args), "--quiet")...)
		expect(t, exitOK, code, stderr)
		if stderr != "" {
			t.Errorf("%s --quiet: %q", args, stderr)
		}
		code, stdout, stderr = d.run(t.Context(), strings.Fields(args)...)
		expect(t, exitFailure, code, stderr)
		if stdout != "" || stderr != "ohfp: not allowed to DescribeInstances\n" {
			t.Errorf("%s: %q %q", args, stdout, stderr)
		}
	}
}

func TestReturnOfUnknown(t *testing.T) {
	t.Parallel()
	d := &desk{}
	code, stdout, stderr := d.run(t.Context(), "requests", "return", "i-1")
	expect(t, exitFailure, code, stderr)
	if !strings.Contains(stdout, `"unknown"`) || stderr != "ohfp: machine i-1 is not known here\n" {
		t.Errorf("%s\n%s", stdout, stderr)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	create := []string{"requests", "create", "--template-id", "t", "--count", "3", "--wait"}
	t.Run("until complete", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			d := &desk{problems: []error{ohfp.Errorf(ohfp.ErrThrottled, "slow down"), ohfp.Errorf(ohfp.ErrThrottled, "slow down")}}
			began := time.Now()
			code, stdout, stderr := d.run(t.Context(), create...)
			expect(t, exitOK, code, stderr)
			if !strings.Contains(stdout, `"complete"`) || strings.Count(stdout, `"running"`) != 3 {
				t.Errorf("answer %s", stdout)
			}
			want := "ohfp: request " + known + " is under way\nohfp: the cloud could not be asked, trying again: slow down\n"
			if stderr != want {
				t.Errorf("standard error %q, want %q", stderr, want)
			}
			// Five looks, after 1, 1.5, 2.25, 3.375 and 5 seconds.
			if took := time.Since(began); took != 13125*time.Millisecond {
				t.Errorf("took %s", took)
			}
			if len(d.answered) == 0 {
				t.Error("the answer was not recorded")
			}
		})
	})
	t.Run("until the time is up", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			d := &desk{}
			began := time.Now()
			code, stdout, stderr := d.run(t.Context(), append(create, "--timeout", "1500ms")...)
			expect(t, exitFailure, code, stderr)
			if took := time.Since(began); took != 1500*time.Millisecond {
				t.Errorf("took %s", took)
			}
			if !strings.Contains(stdout, `"in_progress"`) || !strings.Contains(stderr, "is in_progress after 1.5s and goes on") {
				t.Errorf("%s\n%s", stdout, stderr)
			}
		})
	})
	t.Run("until interrupted", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			d := &desk{}
			code, stdout, stderr := d.run(ctx, create...)
			expect(t, exitInterrupted, code, stderr)
			if !strings.Contains(stdout, known) || !strings.Contains(stderr, "goes on, see ohfp requests status --request-id "+known) {
				t.Errorf("%s\n%s", stdout, stderr)
			}
		})
	})
	t.Run("until access is denied", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			d := &desk{problems: []error{ohfp.Errorf(ohfp.ErrDenied, "not allowed")}}
			code, stdout, stderr := d.run(t.Context(), append(create, "--quiet")...)
			expect(t, exitFailure, code, stderr)
			if !strings.Contains(stdout, known) || stderr != "ohfp: not allowed\n" || len(d.answered) != 1 {
				t.Errorf("%s\n%s\nanswered %v", stdout, stderr, d.answered)
			}
		})
	})
	t.Run("that ends badly", func(t *testing.T) {
		t.Parallel()
		for _, status := range []ohfp.Status{ohfp.StatusPartial, ohfp.StatusFailed, ohfp.StatusTimeout, ohfp.StatusCancelled} {
			err := verdict(ohfp.Request{ID: known, Status: status, Message: "1 of 3 delivered"})
			if code := (&program{errw: io.Discard}).exit(t.Context(), err); code != exitFailure {
				t.Errorf("%s exits with %d", status, code)
			}
			if want := fmt.Sprintf("request %s ended as %s: 1 of 3 delivered", known, status); err.Error() != want {
				t.Errorf("%q, want %q", err, want)
			}
		}
		if err := verdict(ohfp.Request{Status: ohfp.StatusComplete}); err != nil {
			t.Error(err)
		}
	})
}

func TestHostFactoryCalls(t *testing.T) {
	t.Parallel()
	good := inputFile(t, `{"template":{"templateId":"t","machineCount":1}}`)
	tests := []struct {
		name   string
		args   []string
		stdin  string
		desk   *desk
		exit   int
		answer string // in the one JSON object
		stderr string
	}{
		{"works", []string{"requestMachines", "-f", good}, "", &desk{}, 0, known, ""},
		{"flags before", []string{"--log-level", "DEBUG", "requestMachines", "-f", good}, "", &desk{}, 0, known, ""},
		{"flags after", []string{"requestMachines", "--file=" + good, "--log-level=DEBUG"}, "", &desk{}, 0, known, ""},
		{"standard input", []string{"requestMachines", "-f", "-"}, `{"template":{"templateId":"t","machineCount":1}}`, &desk{}, 0, known, ""},
		{"no file named", []string{"requestMachines"}, "", &desk{}, 1, "the input file is missing; pass -f FILE", "missing"},
		{"no file name", []string{"requestMachines", "-f"}, "", &desk{}, 1, "argument -f needs a value", "needs a value"},
		{"missing file", []string{"getRequestStatus", "-f", "/no/such/file"}, "", &desk{}, 1, "/no/such/file cannot be read", "cannot be read"},
		{"unknown flag", []string{"requestMachines", "-x"}, "", &desk{}, 1, `argument \"-x\" is not understood`, "not understood"},
		{"refused", []string{"requestMachines", "-f", good}, "", &desk{refuse: ohfp.Errorf(ohfp.ErrLimit, "too many")}, 1, "too many", "too many"},
		{"panic", []string{"requestMachines", "-f", good}, "", &desk{panics: true}, 1, "internal error: boom", "goroutine"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out, errw bytes.Buffer
			p := test.desk.program(&out, &errw)
			p.in = strings.NewReader(test.stdin)
			writes := &countingWriter{w: &out}
			p.out = writes
			expect(t, test.exit, p.run(t.Context(), test.args), errw.String())
			var object map[string]any
			if err := json.Unmarshal(out.Bytes(), &object); err != nil {
				t.Errorf("standard output is not one JSON object: %v: %s", err, out.String())
			}
			if writes.n != 1 || !strings.Contains(out.String(), test.answer) {
				t.Errorf("%d writes of %s", writes.n, out.String())
			}
			if (test.stderr == "") != (errw.Len() == 0) || !strings.Contains(errw.String(), test.stderr) {
				t.Errorf("standard error %q, want %q", errw.String(), test.stderr)
			}
			if answered := len(test.desk.answered) == 1; answered != (test.exit == 0) {
				t.Errorf("answered: %v", test.desk.answered)
			}
		})
	}
}

type countingWriter struct {
	w io.Writer
	n int
}

func (c *countingWriter) Write(data []byte) (int, error) {
	c.n++
	return c.w.Write(data)
}

func TestHostFactoryWithoutConfiguration(t *testing.T) {
	t.Parallel()
	var out, errw bytes.Buffer
	p := (&desk{}).program(&out, &errw)
	p.open = func(context.Context, wish, *program) (*session, error) {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "config.json: line 3: unknown key")
	}
	expect(t, exitFailure, p.run(t.Context(), []string{"getAvailableTemplates", "-f", inputFile(t, "{}")}), errw.String())
	if want := `{"message":"config.json: line 3: unknown key"}` + "\n"; out.String() != want {
		t.Errorf("answer %q, want %q", out.String(), want)
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	d := &desk{}
	_, short, _ := d.run(t.Context(), "templates", "list")
	_, long, _ := d.run(t.Context(), "templates", "list", "--long")
	_, shown, _ := d.run(t.Context(), "template", "show", "my-template")
	_, table, _ := d.run(t.Context(), "templates", "list", "--long", "--format", "table")
	if !strings.Contains(short, "template broken is not listed") || strings.Contains(short, "vmType") {
		t.Error(short)
	}
	for _, text := range []string{long, shown} {
		if !strings.Contains(text, `"vmType": "m5.xlarge"`) || !strings.Contains(text, `"timeout": "1m"`) {
			t.Error(text)
		}
	}
	for _, want := range []string{"type X86_64, ncpus 4", "unlimited", "rootDeviceVolumeSize 8, vmType m5.xlarge", "1m"} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in\n%s", want, table)
		}
	}
	code, _, stderr := d.run(t.Context(), "templates", "show", "other")
	expect(t, exitFailure, code, stderr)
}

func TestProgressFitsTheLine(t *testing.T) {
	t.Parallel()
	began := time.Unix(0, 0)
	r := ohfp.Request{Type: ohfp.TypeAcquire, Count: 4, Machines: []ohfp.Machine{{DeliveredAt: began}, {}, {}, {}}}
	for _, width := range []int{0, 10, 30, 40, 80, 200} {
		bar := &progress{screen: output.Screen{Width: width}, started: began, now: func() time.Time { return began.Add(90 * time.Second) }}
		got := []rune(bar.line(r))
		if width > 0 && len(got) >= width {
			t.Errorf("%d columns at width %d: %q", len(got), width, string(got))
		}
	}
	bar := &progress{started: began, now: func() time.Time { return began.Add(90 * time.Second) }}
	if got, want := bar.line(r), "⠋ [████████░░░░░░░░░░░░░░░░░░░░░░░░] 1 of 4 ready, 1m30s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r = ohfp.Request{Type: ohfp.TypeReturn, Count: 1, Machines: []ohfp.Machine{{State: ohfp.MachineTerminated}}}
	if got := bar.line(r); !strings.Contains(got, "1 of 1 gone") || strings.Contains(got, "░") {
		t.Errorf("%q", got)
	}
}

// FuzzHostFactoryArguments: whatever the arguments, there is a file or a message.
func FuzzHostFactoryArguments(f *testing.F) {
	f.Add("-f x")
	f.Add("--file= --config -f")
	f.Fuzz(func(t *testing.T, line string) {
		if _, file, err := hostFactoryArguments(strings.Split(line, " ")); (file == "") != (err != nil) {
			t.Errorf("%q: file %q, error %v", line, file, err)
		}
	})
}

var _ commands = (*command.Commands)(nil)
