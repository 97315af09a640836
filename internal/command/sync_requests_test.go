package command_test

import (
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
)

// TestWhatTheCloudEndsIsFollowedToItsEnd: a machine that is seen shutting down, without anybody having asked for that, does
// not stay so on record for ever.
func TestWhatTheCloudEndsIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.follow(w.request("small", 2).ID)
	lost := r.Machines[0].ID
	if _, err := w.open().Terminate(t.Context(), r.Machines[:1], nil); err != nil { // as somebody at the console would
		t.Fatal(err)
	}
	for _, want := range []ohfp.MachineState{ohfp.MachineShuttingDown, ohfp.MachineTerminated} {
		if err := w.process().SyncRequests(t.Context(), command.SyncRequests{Others: true, Live: true}); err != nil {
			t.Fatal(err)
		}
		for _, m := range w.read(r.ID).Machines {
			if m.ID == lost && m.State != want {
				t.Errorf("the machine is %s, want %s", m.State, want)
			}
		}
		w.clock.Advance(terminateDelay)
	}
}
