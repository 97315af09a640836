//go:build linux || darwin

package daemon

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

// TestScriptsAreRecorded: what scripts change through the daemon is in the audit log, what they look at is not.
func TestScriptsAreRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.daemon.Audit = &audit.Log{Path: filepath.Join(t.TempDir(), "audit"), Now: time.Now}
	w.serve()
	w.ask(hostfactory.GetAvailableTemplates, "{}")
	id := w.request(2)
	w.ask(hostfactory.RequestMachines, `{"template":{"templateId":"none","machineCount":1}}`)
	entries, unreadable, err := audit.List(w.daemon.Audit.Path, audit.Filter{})
	if err != nil || unreadable > 0 || len(entries) != 2 {
		t.Fatalf("%+v, %d unreadable, %v", entries, unreadable, err)
	}
	made := entries[1]
	if made.Operation != "requests.create" || made.Outcome != audit.Done || made.Face != "hostfactory" || made.Role != access.Operator ||
		len(made.Subjects) != 1 || made.Subjects[0] != string(id) {
		t.Errorf("%+v", made)
	}
	if entries[0].Outcome != audit.Failed || entries[0].Error == "" {
		t.Errorf("%+v", entries[0])
	}
}
