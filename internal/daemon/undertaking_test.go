//go:build linux || darwin

package daemon

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

// TestAnswerGoesFirst: what follows the answer to a script makes way for it, until it is passed on, and for a moment at most.
func TestAnswerGoesFirst(t *testing.T) {
	t.Parallel()
	for name, goes := range map[string]struct {
		pass bool
		wait time.Duration // until the record
	}{"passed on": {pass: true}, "never passed on": {wait: stepAside}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.daemon.prepare(t.Context())
				passedOn := make(chan struct{})
				asked := wire.Request{Action: string(hostfactory.RequestMachines)}
				reply := w.daemon.answer(t.Context(), asked, []byte(`{"template":{"templateId":"small","machineCount":2}}`), "ann", passedOn)
				var answer struct {
					RequestID ohfp.RequestID `json:"requestId"`
				}
				if err := json.Unmarshal(reply.Body, &answer); err != nil || reply.Exit != 0 {
					t.Fatalf("exit %d, %s, %v", reply.Exit, reply.Body, err)
				}
				synctest.Wait()
				if r := w.stored(answer.RequestID); len(r.Machines) != 0 || len(w.cloud.Live()) != 2 {
					t.Errorf("%d machines on record and %d in the cloud before the answer has left", len(r.Machines), len(w.cloud.Live()))
				}
				if goes.pass {
					close(passedOn)
				}
				time.Sleep(goes.wait)
				synctest.Wait()
				if r := w.stored(answer.RequestID); len(r.Machines) != 2 {
					t.Errorf("%d machines on record %s later", len(r.Machines), goes.wait)
				}
				w.daemon.work.Wait()
			})
		})
	}
}
