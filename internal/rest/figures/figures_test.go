// Package figures measures what REST costs beside the least that could answer, the same bytes from a bare handler. It holds
// nothing but its test, and refuses to judge a machine that is busy with something else: it prints what it saw.
package figures

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/client"
)

const (
	bareEnv     = "OHFP_BENCH_BARE" // the file with what the bare handler answers; set: this process is the bare handler
	connections = 16                // that call at the same time
	round       = 2 * time.Second
	rounds      = 3
	patience    = 2 * time.Minute
)

// TestMain lets the test's own program be the bare handler, in a process of its own as the other is.
func TestMain(m *testing.M) {
	if path := os.Getenv(bareEnv); path != "" {
		fmt.Fprintln(os.Stderr, bare(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// reply is what is answered at a path.
type reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// bare serves what a file holds: the least that a handler of net/http can do for these bytes.
func bare(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var replies map[string]reply
	if err := json.Unmarshal(content, &replies); err != nil {
		return err
	}
	mux := http.NewServeMux()
	for at, r := range replies {
		mux.HandleFunc(at, func(w http.ResponseWriter, q *http.Request) {
			_, _ = io.Copy(io.Discard, q.Body) // a request that cannot be read has no answer
			for name, values := range r.Header {
				w.Header()[name] = values
			}
			w.WriteHeader(r.Status)
			_, _ = w.Write(r.Body)
		})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "at http://%s\n", listener.Addr())
	return http.Serve(listener, mux)
}

// server is a process under test.
type server struct {
	URL string
	PID int
}

// start runs a program on one core and waits until it says where it answers.
func start(t *testing.T, core string, env []string, args ...string) server {
	t.Helper()
	command := exec.CommandContext(t.Context(), "taskset", append([]string{"-c", core}, args...)...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	command.Env = append(os.Environ(), append(env, "GOMAXPROCS=1")...)
	said, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = write, write
	if err := errors.Join(command.Start(), write.Close()); err != nil {
		t.Fatal(err)
	}
	at := make(chan string, 1)
	var all bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() {
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			all.WriteString(lines.Text() + "\n")
			if url := regexp.MustCompile(`http://[^ ,;]*`).FindString(lines.Text()); url != "" {
				select {
				case at <- url:
				default:
				}
			}
		}
	})
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		reading.Wait()
		_ = command.Wait() // how it ends is not what is measured
	})
	select {
	case url := <-at:
		return server{URL: url, PID: command.Process.Pid}
	case <-time.After(patience):
		t.Fatalf("%s has not said where it answers:\n%s", args[0], all.String())
		return server{}
	}
}

// figure is what was measured of one kind of call.
type figure struct {
	Took []time.Duration
	Time time.Duration
	CPU  time.Duration
}

func (f *figure) add(other figure) {
	f.Took = append(f.Took, other.Took...)
	f.Time += other.Time
	f.CPU += other.CPU
}

func (f *figure) rate() float64 { return float64(len(f.Took)) / f.Time.Seconds() }

func (f *figure) at(share float64) time.Duration {
	slices.Sort(f.Took)
	return f.Took[int(share*float64(len(f.Took)-1))]
}

// load makes the same call over and over on several connections, with as little work as a client can have.
func load(t *testing.T, at server, call []byte, status int, during time.Duration, most int) figure {
	t.Helper()
	before := cpu(t, at.PID)
	began := time.Now()
	var all sync.WaitGroup
	var mu sync.Mutex
	var f figure
	for range connections {
		all.Go(func() {
			took, err := one(at, call, status, began.Add(during), most/connections)
			mu.Lock()
			defer mu.Unlock()
			if f.Took = append(f.Took, took...); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	f.Time, f.CPU = time.Since(began), cpu(t, at.PID)-before
	return f
}

func one(at server, call []byte, status int, until time.Time, most int) (took []time.Duration, err error) {
	connection, err := net.Dial("tcp", strings.TrimPrefix(at.URL, "http://"))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, 64<<10)
	want := []byte("HTTP/1.1 " + strconv.Itoa(status))
	for len(took) < most {
		begin := time.Now()
		if begin.After(until) {
			break
		}
		if _, err := connection.Write(call); err != nil {
			return took, err
		}
		length, chunked := 0, false
		for first := true; ; first = false {
			line, err := reader.ReadSlice('\n')
			if err != nil {
				return took, err
			}
			if first && !bytes.HasPrefix(line, want) {
				rest, _ := reader.Peek(min(reader.Buffered(), 2000)) // for whoever reads the failure
				return took, fmt.Errorf("%s: %s%s", call[:bytes.IndexByte(call, '\r')], line, rest)
			}
			if len(line) == 2 {
				break
			}
			if value, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
			}
			chunked = chunked || bytes.HasPrefix(line, []byte("Transfer-Encoding: chunked"))
		}
		for chunked {
			line, err := reader.ReadSlice('\n')
			if err != nil {
				return took, err
			}
			size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64)
			if err != nil {
				return took, err
			}
			if _, err := reader.Discard(int(size) + 2); err != nil {
				return took, err
			}
			chunked = size > 0
		}
		if _, err := reader.Discard(length); err != nil {
			return took, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// cpu is the processor time that a process has used, in user and system mode. The kernel counts hundredths of a second.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const user, system, tick = 11, 12, 10 * time.Millisecond // places after the name, see proc(5)
	sum := 0
	for _, place := range []int{user, system} {
		n, err := strconv.Atoi(fields[place])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum) * tick
}

// memory is what a process holds in memory, in bytes.
func memory(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("no VmRSS in %s", text)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// TestFigures prints what make bench-rest is for. The program that it measures is named by OHFP_BENCH; the server has
// core 0, and this process and the simulated cloud share the other one.
func TestFigures(t *testing.T) {
	ohfp := os.Getenv("OHFP_BENCH")
	if ohfp == "" {
		t.Skip("OHFP_BENCH names no program to measure; see make bench-rest")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf")
	if err := os.Mkdir(conf, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"awsprov_config.json": `{"AWS_REGION": "us-east-1"}`,
		"awsprov_templates.json": `{"templates": [{"templateId": "small", "maxNumber": 10000, "providerApi": "EC2Fleet", "fleetType": "instant",
			"imageId": "ami-0abcdef1234567890", "vmTypes": {"t3.medium": 1}, "subnetId": "subnet-0000000000000000a",
			"securityGroupIds": ["sg-00000000000000001"]}]}`,
	} {
		if err := os.WriteFile(filepath.Join(conf, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cloud := start(t, "1", nil, ohfp, "simulator", "serve", "--port", "0")
	at := start(t, "0", []string{
		"AWS_ENDPOINT_URL=" + cloud.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/nowhere", "AWS_SHARED_CREDENTIALS_FILE=/nowhere", "OHFP_CONF_DIR=" + conf, "OHFP_WORK_DIR=" + filepath.Join(dir, "work"),
	}, ohfp, "serve", "--port", "0")
	request := hundred(t, at)

	calls := []struct {
		name, method, path, body string
		status, most             int
		header                   string
	}{
		{"GET template", http.MethodGet, "/api/v1/templates/small", "", 200, 1 << 30, ""},
		{"GET status of 100 machines", http.MethodGet, "/api/v1/requests/" + string(request) + "/status", "", 200, 1 << 30, ""},
		// With this header an answer is never one that was given before.
		{"the same, looked up anew", http.MethodGet, "/api/v1/requests/" + string(request) + "/status", "", 200, 1 << 30, "If-None-Match: x\r\n"},
		{"GET 100 machines", http.MethodGet, "/api/v1/machines?limit=100&requestId=" + string(request), "", 200, 1 << 30, ""},
		{"POST request", http.MethodPost, "/api/v1/requests", `{"templateId": "small", "count": 1}`, 202, 40 * connections, ""},
	}
	replies := map[string]reply{}
	for _, c := range calls {
		pattern, _, _ := strings.Cut(c.path, "?")
		replies[c.method+" "+pattern] = ask(t, at, c.method, c.path, c.body)
	}
	content, err := json.Marshal(replies)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "replies.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	least := start(t, "0", []string{bareEnv + "=" + file}, os.Args[0])

	t.Logf("%-26s %7s %7s %5s %8s %8s %9s %9s %5s", "", "req/s", "bare", "ratio", "p50", "p99", "CPU/call", "bare", "ratio")
	for _, c := range calls {
		call := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s",
			c.method, c.path, len(c.body), c.header, c.body)
		var ours, theirs figure
		for range rounds {
			ours.add(load(t, at, call, c.status, round, c.most/rounds))
			theirs.add(load(t, least, call, c.status, round, 1<<30))
		}
		each := func(f figure) time.Duration { return f.CPU / time.Duration(max(1, len(f.Took))) }
		t.Logf("%-26s %7.0f %7.0f %4.0f%% %8s %8s %9s %9s %4.0f%%", c.name, ours.rate(), theirs.rate(), 100*ours.rate()/theirs.rate(),
			ours.at(0.5).Round(10*time.Microsecond), ours.at(0.99).Round(10*time.Microsecond), each(ours).Round(100*time.Nanosecond),
			each(theirs).Round(100*time.Nanosecond), 100*float64(each(theirs))/float64(max(1, each(ours))))
	}
	streams(t, at)
}

// hundred asks for 100 machines and waits for them.
func hundred(t *testing.T, at server) ohfp.RequestID {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := client.Client{URL: at.URL}
	made, err := c.RequestMachines(ctx, client.Order{Template: "small", Count: 100})
	if err != nil {
		t.Fatal(err)
	}
	done, err := c.WaitForRequest(ctx, made.ID)
	if err != nil || done.Status != ohfp.StatusComplete || len(done.Machines) != 100 {
		t.Fatalf("%d machines, %s, %v", len(done.Machines), done.Status, err)
	}
	return made.ID
}

func ask(t *testing.T, at server, method, path, body string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, at.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatal(response.Status, string(content), err)
	}
	response.Header.Del("Date")
	response.Header.Del("Content-Length")
	return reply{Status: response.StatusCode, Header: response.Header, Body: content}
}

// streams follows all changes a thousand times over, and times one change to the last of them.
func streams(t *testing.T, at server) {
	t.Helper()
	const clients = 1000
	before := memory(t, at.PID)
	first, last := make(chan struct{}, clients), make(chan time.Time, clients)
	problems := make(chan error, clients)
	deadline := time.Now().Add(patience)
	for range clients {
		connection, err := net.Dial("tcp", strings.TrimPrefix(at.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		if err := connection.SetDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(connection, "GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		go func() {
			lines := bufio.NewScanner(bufio.NewReaderSize(connection, 1024))
			for lines.Scan() {
				switch line := lines.Text(); {
				case line == ": hello":
					first <- struct{}{}
				case strings.HasPrefix(line, "data: "):
					last <- time.Now()
					return
				}
			}
			problems <- fmt.Errorf("a stream ended: %w", orEnd(lines.Err()))
		}()
	}
	await := func(what string, n func() bool) {
		for range clients {
			if !n() {
				t.Fatalf("%s: %v", what, <-problems)
			}
		}
	}
	await("hello", func() bool {
		select {
		case <-first:
			return true
		case <-time.After(time.Until(deadline)):
			return false
		}
	})
	connected := memory(t, at.PID)
	began := time.Now()
	c := client.Client{URL: at.URL}
	if _, err := c.RequestMachines(t.Context(), client.Order{Template: "small", Count: 1}); err != nil {
		t.Fatal(err)
	}
	var slowest time.Duration
	await("event", func() bool {
		select {
		case told := <-last:
			slowest = max(slowest, told.Sub(began))
			return true
		case <-time.After(time.Until(deadline)):
			return false
		}
	})
	told := memory(t, at.PID)
	t.Logf("%d clients that follow all changes: %d KB each connected, %d KB each after an event; the last one told %s after the order",
		clients, (connected-before)/clients>>10, (told-before)/clients>>10, slowest.Round(time.Millisecond))
}

// orEnd is why a stream ended.
func orEnd(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}
