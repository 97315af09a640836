package cli_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/doctest"
)

// TestDocumentsRun runs the blocks of every document that are marked for it, each document as one session of a shell in an
// empty directory beside a simulated AWS:
//
//	```sh run           is run, and must succeed
//	```text output      is what the block before it prints: these lines in this order, among others; … stands for anything
//	```json file=NAME   is written to a file
//	```yaml config      is a configuration that is valid
//	```json templates   is a file of templates that is valid
//	<!-- run            a comment whose lines are run and not shown
//
// REQUEST_ID and MACHINE_ID in a command are the last request's and the first machine's.
func TestDocumentsRun(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("bash")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("documents need a Unix system with bash to run")
	}
	pages, err := doctest.Pages("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ohfp"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	for _, page := range pages {
		if !slices.ContainsFunc(page.Blocks, runs) {
			continue
		}
		ran++
		t.Run(page.Path, func(t *testing.T) {
			t.Parallel()
			session{page: page, shell: shell, bin: bin}.run(t)
		})
	}
	if ran < 9 {
		t.Errorf("only %d documents have blocks to run", ran)
	}
}

func runs(b doctest.Block) bool { return b.Has("run") || b.Has("config") || b.Has("templates") }

// session is one document being run.
type session struct {
	page       doctest.Page
	shell, bin string
}

const preamble = `set -eu
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
curl() { command curl -sS "$@"; }
last_request() { ohfp requests list | sed -n 's/.*"requestId": "\(req-[^"]*\)".*/\1/p' | head -n 1; }
first_machine() { ohfp machines list | sed -n 's/.*"machineId": "\([^"]*\)".*/\1/p' | head -n 1; }
`

// mark parts the outputs of blocks.
const mark = "@@@ "

func (s session) run(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil && slices.ContainsFunc(s.page.Blocks, func(b doctest.Block) bool { return runs(b) && strings.Contains(b.Text, "curl ") }) {
		t.Skip("the page needs curl to run")
	}
	ports := strings.NewReplacer("4566", freePort(t), "5050", freePort(t), "8000", freePort(t), "3000", freePort(t))
	var script strings.Builder
	script.WriteString(preamble)
	for i, b := range s.page.Blocks {
		text := ports.Replace(b.Text)
		fmt.Fprintf(&script, "printf '\\n%s%%d\\n' %d\n", mark, i)
		switch {
		case b.File() != "":
			write(&script, b.File(), text)
		case b.Has("config"):
			write(&script, "try/config."+b.Language, text)
			fmt.Fprintf(&script, "(unset OHFP_CONF_DIR; ohfp config validate --file try/config.%s)\n", b.Language)
		case b.Has("templates"):
			write(&script, "try/templates."+b.Language, text)
			fmt.Fprintf(&script, "ohfp templates validate --file try/templates.%s\n", b.Language)
		case b.Has("run"):
			script.WriteString(commands(text))
		}
	}
	_, url := simulated(t)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), s.shell, "-c", script.String())
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + s.bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "USER=ann", "TMPDIR=" + dir, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=" + url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=demo", "AWS_SECRET_ACCESS_KEY=demo",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the session ended with %v:\n%s\nof the script:\n%s", err, out, script.String())
	}
	s.compare(t, string(out))
}

func write(script *strings.Builder, name, text string) {
	fmt.Fprintf(script, "mkdir -p %q\ncat > %q <<'END OF FILE'\n%sEND OF FILE\n", filepath.Dir(name), name, text)
}

var portOf = regexp.MustCompile(`--port[ =](\d+)`)

// commands makes lines of a document lines of a script.
func commands(text string) string {
	var script strings.Builder
	for line := range strings.Lines(text) {
		line = placed(placed(line, "REQUEST_ID", "$(last_request)"), "MACHINE_ID", "$(first_machine)")
		script.WriteString(line)
		if found := portOf.FindStringSubmatch(line); found != nil && strings.HasSuffix(strings.TrimSpace(line), "&") {
			fmt.Fprintf(&script, "for i in $(seq 300); do (exec 3<>/dev/tcp/127.0.0.1/%s) 2>/dev/null && break; sleep 0.1; done\n", found[1])
		}
	}
	return script.String()
}

// placed puts a command in the place of a word, between quotes too.
func placed(line, word, command string) string {
	for {
		before, after, found := strings.Cut(line, word)
		if !found {
			return line
		}
		if strings.Count(before, "'")%2 == 1 {
			line = before + `'"` + command + `"'` + after
		} else {
			line = before + command + after
		}
	}
}

// compare holds what was printed against what the document says is printed.
func (s session) compare(t *testing.T, out string) {
	t.Helper()
	printed := map[int]string{}
	for _, part := range strings.Split(out, "\n"+mark)[1:] {
		number, text, _ := strings.Cut(part, "\n")
		i, err := strconv.Atoi(number)
		if err != nil {
			t.Fatalf("%q was printed:\n%s", number, out)
		}
		printed[i] = text
	}
	for i, b := range s.page.Blocks {
		if !b.Has("output") {
			continue
		}
		before := i - 1
		for before >= 0 && !(s.page.Blocks[before].Has("run") && !s.page.Blocks[before].Hidden) {
			before--
		}
		if before < 0 {
			t.Fatalf("%s:%d is the output of nothing", s.page.Path, b.Line)
		}
		if missing := inOrder(printed[before], b.Text); missing != "" {
			t.Errorf("%s:%d: %q is not printed there, but:\n%s", s.page.Path, b.Line, missing, printed[before])
		}
	}
}

// inOrder returns the first line of want that is not in got, after those before it.
func inOrder(got, want string) string {
	lines := strings.Split(got, "\n")
	for line := range strings.Lines(want) {
		line = strings.TrimSpace(line)
		if line == "" || line == "…" {
			continue
		}
		parts := strings.Split(line, "…")
		for i := range parts {
			parts[i] = strings.Join(mapped(strings.Fields(parts[i])), `\s+`)
		}
		pattern := regexp.MustCompile(`^\s*` + strings.Join(parts, ".*") + `\s*$`)
		at := slices.IndexFunc(lines, pattern.MatchString)
		if at < 0 {
			return line
		}
		lines = lines[at+1:]
	}
	return ""
}

func mapped(words []string) []string {
	for i := range words {
		words[i] = regexp.QuoteMeta(words[i])
	}
	return words
}

func TestInOrder(t *testing.T) {
	t.Parallel()
	const got = "a  b\n  c 12 d\ne\n"
	for want, missing := range map[string]string{
		"a b\ne\n": "", "c … d\n": "", "e\na b\n": "a b", "a\n": "a", "…\nc … d\n…\n": "",
	} {
		if found := inOrder(got, want); found != missing {
			t.Errorf("%q: %q is missing, want %q", want, found, missing)
		}
	}
}

// simulated starts a simulated AWS and returns it and its address.
func simulated(t *testing.T) (cloud *awssim.Cloud, url string) {
	t.Helper()
	cloud, err := awssim.New(awssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		defer close(ended)
		ended <- cloud.ListenAndServe(ctx, "127.0.0.1:0", func(url string) { ready <- url })
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case url := <-ready:
		return cloud, url
	case err := <-ended:
		t.Fatal(err)
		return nil, ""
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
