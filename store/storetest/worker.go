package storetest

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// workerVariable carries a [job] to a process of the suite's own.
const workerVariable = "OHFP_STORETEST_JOB"

// job is what one process does.
type job struct {
	Kind     string
	Location string
	Number   int    // of the process, from 0
	Subject  string // the id of a request that all work on
}

// jobOf is the job that this process was started for, if it was.
func jobOf(t *testing.T) (j job, ok bool) {
	t.Helper()
	text, ok := os.LookupEnv(workerVariable)
	if ok {
		must(t, json.Unmarshal([]byte(text), &j))
	}
	return j, ok
}

// Lines that a process writes to its standard output start so; the testing package writes there too.
const linePrefix = "storetest: "

// report writes one line at once, so that it is out before the process can be killed.
func report(t *testing.T, line any) {
	t.Helper()
	text, err := json.Marshal(line)
	must(t, err)
	if _, err := os.Stdout.WriteString(linePrefix + string(text) + "\n"); err != nil {
		t.Fatal(err)
	}
}

// awaitStart says that the process is ready and waits until all are.
func awaitStart(t *testing.T) {
	t.Helper()
	report(t, "ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // ends when the suite closes it
}

// process is a running worker.
type process struct {
	command *exec.Cmd
	start   io.Closer
	lines   *bufio.Scanner
	others  []string // what it wrote beside reports: failures of its test
}

// spawn starts a process that runs the calling test with a job.
func spawn(t *testing.T, j job) *process {
	t.Helper()
	text, err := json.Marshal(j)
	must(t, err)
	program, err := os.Executable()
	must(t, err)
	var pattern []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	//nolint:gosec // the program is this one
	p := &process{command: exec.CommandContext(t.Context(), program, "-test.run="+strings.Join(pattern, "/"), "-test.count=1")}
	p.command.Env = append(os.Environ(), workerVariable+"="+string(text))
	p.start, err = p.command.StdinPipe()
	must(t, err)
	out, err := p.command.StdoutPipe()
	must(t, err)
	p.command.Stderr = p.command.Stdout
	must(t, p.command.Start())
	p.lines = bufio.NewScanner(out)
	return p
}

// next reads the next report of the process into line, and says whether there was one.
func (p *process) next(t *testing.T, line any) bool {
	t.Helper()
	for p.lines.Scan() {
		text, ok := strings.CutPrefix(p.lines.Text(), linePrefix)
		if !ok {
			p.others = append(p.others, p.lines.Text())
			continue
		}
		if err := json.Unmarshal([]byte(text), line); err != nil {
			return false // the process was killed while it wrote the line
		}
		return true
	}
	return false
}

// awaitReady waits for the process to say that it is.
func (p *process) awaitReady(t *testing.T) {
	t.Helper()
	var word string
	if !p.next(t, &word) || word != "ready" {
		t.Fatalf("process said %q before it was ready: %s", word, strings.Join(p.others, "\n"))
	}
}

// wait reads the rest and fails the test unless the process ended well.
func (p *process) wait(t *testing.T) {
	t.Helper()
	var line any
	for p.next(t, &line) {
		t.Errorf("unexpected report %v", line)
	}
	if err := p.command.Wait(); err != nil {
		t.Errorf("process: %v\n%s", err, strings.Join(p.others, "\n"))
	}
}
