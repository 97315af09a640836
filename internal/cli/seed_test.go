package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// notYet are lines of testdata/seed-commands.txt whose command does not exist yet, by how they begin. Once it does, the test
// says so: take the line off and let it run.
var notYet = []string{}

// TestSeedCommands runs the command lines that users were promised, in their order, with what a user would put for their
// placeholders. Each must succeed.
func TestSeedCommands(t *testing.T) {
	t.Parallel()
	promised, err := os.ReadFile(filepath.Join("testdata", "seed-commands.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for line := range strings.Lines(string(promised)) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if missing(line) {
			fmt.Fprintf(&script, "exits 2 %s\nstderr 'has no command'\n", strings.Join(strings.Fields(line)[:3], " "))
			continue
		}
		if strings.HasPrefix(line, "ohfp mcp serve --port") {
			continue // it stays; TestAssistantsOverTheNetwork runs it
		}
		before, after := "", ""
		switch {
		case strings.HasPrefix(line, "ohfp requests create"):
			after = "take ID '\"requestId\": \"(req-[^\"]*)\"'\nsimulator runs 5\nsimulator advance 1m\n"
		case strings.HasPrefix(line, "ohfp templates delete") && !strings.Contains(line, "--force"):
			before, after = "stdin yes\n", "exec ohfp templates create --file template.json\n" // there is one to delete again
		case strings.HasPrefix(line, "ohfp mcp serve"):
			before = "stdin ping\n"
		case strings.HasPrefix(line, "ohfp machines list"):
			after = "stdout -count=5 '\"running\"'\n"
		case strings.HasPrefix(line, "ohfp requests return"):
			after = "simulator runs 0\n"
		}
		line = strings.NewReplacer("req-12345", "$ID", "TEMPLATE_ID", templateID(line)).Replace(line)
		script.WriteString(before + "exec " + line + "\n" + after)
		if line != "ohfp templates refresh" {
			script.WriteString("stdout .\n")
		}
	}
	const one = `{"templateId": %q, "maxNumber": %d, "imageId": "ami-0abcdef1234567890", "vmType": "m5.xlarge",
 "subnetId": "subnet-0000000000000000a", "securityGroupIds": ["sg-00000000000000001"]}
`
	fmt.Fprintf(&script, "-- ping --\n"+`{"jsonrpc":"2.0","id":1,"method":"ping"}`+"\n-- yes --\ny\n-- template.json --\n"+one+"-- template.yaml --\n"+one+"-- updated-template.json --\n"+one, "new-template", 1, "other-template", 1, "new-template", 2)
	file := filepath.Join(t.TempDir(), "seed.txtar")
	if err := os.WriteFile(file, []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files: []string{file},
		Setup: setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"simulator": simulator, "exits": exits, "take": take,
		},
	})
}

func missing(line string) bool {
	for _, beginning := range notYet {
		if strings.HasPrefix(line, beginning) {
			return true
		}
	}
	return false
}

// templateID is which template a line is about: what is changed is one that was created.
func templateID(line string) string {
	if strings.Contains(line, " show ") {
		return "EC2FleetInstant"
	}
	return "new-template"
}
