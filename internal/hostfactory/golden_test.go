package hostfactory_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/openhostfactory/ohfp/internal/fakehf"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

var update = flag.Bool("update", false, "write the answers of the golden files again")

// TestGolden plays the calls of testdata/ACTION/*.txtar. Above its sections a file says what it shows, and may switch
// something with lines "trouble: …" (see world.trouble) and "partial: complete". The sections are the input and what it
// brings: standard output, standard error, exit code.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, action := range hostfactory.Actions() {
		files, err := filepath.Glob(filepath.Join("testdata", string(action), "*.txtar"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no golden files for %s: %v", action, err)
		}
		for _, file := range files {
			t.Run(strings.TrimSuffix(file, ".txtar"), func(t *testing.T) {
				t.Parallel()
				golden(t, action, file)
			})
		}
	}
}

func golden(t *testing.T, action hostfactory.Action, file string) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	face := &hostfactory.Face{Commands: w, Queries: w, Caller: operator()}
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "trouble":
			err = w.trouble(value)
		case "partial":
			face.Partial, err = hostfactory.ParsePartial(value)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	sections := map[string]string{}
	for _, f := range archive.Files {
		sections[f.Name] = string(f.Data)
	}
	reply := face.Answer(t.Context(), action, []byte(sections["input"]))
	if problem := checkReply(action, sections["input"], reply); problem != "" {
		t.Errorf("against the interface: %s", problem)
	}
	got := map[string]string{
		"input": sections["input"], "stdout": string(reply.Body), "stderr": line(reply.Stderr), "exit": line(strconv.Itoa(reply.Exit)),
	}
	if *update {
		out := &txtar.Archive{Comment: archive.Comment}
		for _, name := range []string{"input", "stdout", "stderr", "exit"} {
			out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(got[name])})
		}
		if err := os.WriteFile(file, txtar.Format(out), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(sections, got); diff != "" {
		t.Errorf("(-want +got, go test ./internal/hostfactory -update writes it)\n%s", diff)
	}
}

func line(text string) string {
	if text == "" {
		return ""
	}
	return text + "\n"
}

// checkReply holds a reply against the plug-in interface, as the fake Host Factory reads it.
func checkReply(action hostfactory.Action, input string, reply hostfactory.Reply) string {
	if reply.Exit == 1 {
		message, err := fakehf.ParseRefusal(reply.Body)
		switch {
		case err != nil:
			return err.Error()
		case reply.Stderr != message:
			return fmt.Sprintf("standard error %q is not the message %q", reply.Stderr, message)
		case reply.AfterWrite != nil:
			return "a refusal wants something to be recorded"
		}
		return ""
	}
	if reply.Exit != 0 {
		return fmt.Sprintf("exit %d", reply.Exit)
	}
	var err error
	switch action {
	case hostfactory.GetAvailableTemplates:
		_, err = fakehf.ParseTemplates(reply.Body)
	case hostfactory.RequestMachines, hostfactory.RequestReturnMachines:
		_, err = fakehf.ParseRequested(reply.Body)
	case hostfactory.GetRequestStatus:
		asked, decodeErr := hostfactory.DecodeStatus([]byte(input))
		if decodeErr != nil {
			return decodeErr.Error()
		}
		ids := make([]string, len(asked))
		for i, id := range asked {
			ids[i] = string(id)
		}
		_, err = fakehf.ParseStatus(reply.Body, ids...)
	case hostfactory.GetReturnRequests:
		_, err = fakehf.ParseReturnRequests(reply.Body)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
