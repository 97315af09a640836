package cli

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestSimulatorServesUntilInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	told, out := io.Pipe()
	var errw bytes.Buffer
	p := (&desk{}).program(&bytes.Buffer{}, &errw)
	p.out = out
	code := make(chan int, 1)
	go func() {
		code <- p.run(ctx, []string{"simulator", "serve", "--port", "0", "--region", "eu-central-1", "--capacity", "t3.medium=2"})
		_ = out.Close()
	}()
	text := make([]byte, 4096)
	n, err := told.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, told) }()
	found := regexp.MustCompile(`AWS_ENDPOINT_URL=http://(\S+) AWS_REGION=eu-central-1`).FindSubmatch(text[:n])
	if found == nil {
		t.Fatalf("told %s", text[:n])
	}
	address := string(found[1])
	answer, err := http.Post("http://"+address, "application/x-www-form-urlencoded", strings.NewReader("Action=Nonsense&Version=2016-11-15"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || !strings.Contains(string(body), "<Code>") {
		t.Errorf("%v: %s is no answer of AWS", err, body)
	}

	// The port is taken as long as it serves.
	_, port, _ := net.SplitHostPort(address)
	second, _, stderr := (&desk{}).run(t.Context(), "simulator", "serve", "--port", port)
	expect(t, exitFailure, second, stderr)

	interrupt()
	expect(t, exitOK, <-code, errw.String())
	if connection, err := net.Dial("tcp", address); err == nil {
		_ = connection.Close()
		t.Error("it still serves after its end")
	}
}
