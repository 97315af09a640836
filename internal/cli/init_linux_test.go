package cli

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openhostfactory/ohfp/awssim"
)

// person sits at a pseudo terminal: what the program writes can be waited for, and what the person types is read.
type person struct {
	tty, master *os.File

	mutex sync.Mutex
	seen  bytes.Buffer
}

func newPerson(t *testing.T) *person {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	p := &person{tty: tty, master: master}
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := master.Read(buffer)
			if err != nil {
				return // the other side is closed
			}
			p.mutex.Lock()
			p.seen.Write(buffer[:n])
			p.mutex.Unlock()
		}
	}()
	return p
}

// answers types a line once the question shows.
func (p *person) answers(t *testing.T, question, line string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		p.mutex.Lock()
		text := p.seen.String()
		if at := strings.Index(text, question); at >= 0 {
			p.seen.Next(at + len(question))
			p.mutex.Unlock()
			break
		}
		p.mutex.Unlock()
		if time.Now().After(deadline) {
			t.Fatalf("the question %q does not come; the terminal shows %q", question, text)
		}
	}
	if _, err := p.master.WriteString(line + "\n"); err != nil {
		t.Fatal(err)
	}
}

// TestForm: a person answers, is asked again after a mistake, and gets what was answered.
func TestForm(t *testing.T) { //nolint:paralleltest // it sets variables of the process, which the SDK reads
	cloud, err := awssim.New(awssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_REGION": "", "AWS_PROFILE": "", "OHFP_CONF_DIR": filepath.Join(dir, "unused"),
	} {
		t.Setenv(name, value)
	}
	who := newPerson(t)
	var out bytes.Buffer
	p := (&desk{}).program(&out, &bytes.Buffer{})
	p.in, p.errw, p.lookupEnv = who.tty, who.tty, os.LookupEnv
	code := make(chan int)
	go func() { code <- p.run(t.Context(), []string{"init"}) }()
	who.answers(t, "AWS region: ", "")
	who.answers(t, "give a region", "us-east-1")
	who.answers(t, "AWS profile", "")
	who.answers(t, "provider instance [aws]: ", "no good")
	who.answers(t, "use 1 to 64", "blue")
	who.answers(t, "by number or id [subnet-0000000000000000a,subnet-0000000000000000b,subnet-0000000000000000c]: ", "9")
	who.answers(t, "9 is not in the list", "2, subnet-0000000000000000c")
	who.answers(t, "by number or id [sg-00000000000000001]: ", "")
	who.answers(t, "image", "")
	who.answers(t, "example templates [RunInstances-OnDemand,", "ASG-Spot")
	who.answers(t, "configuration directory", filepath.Join(dir, "conf"))
	if got := <-code; got != exitOK {
		t.Fatalf("exit code %d, the terminal shows %q", got, who.seen.String())
	}
	for file, want := range map[string][]string{
		"config.json":    {`"blue"`, `"us-east-1"`, `"subnet-0000000000000000b"`, `"subnet-0000000000000000c"`, `"sg-00000000000000001"`},
		"templates.json": {"ASG-Spot"},
	} {
		content, err := os.ReadFile(filepath.Join(dir, "conf", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(string(content), text) {
				t.Errorf("%s has no %s: %s", file, text, content)
			}
		}
		if strings.Contains(string(content), "0000a") || strings.Contains(string(content), "RunInstances") {
			t.Errorf("%s has what was not chosen: %s", file, content)
		}
	}
	if !strings.Contains(out.String(), `"created"`) {
		t.Errorf("the answer is %s", out.String())
	}
}
