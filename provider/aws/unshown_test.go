package aws_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

// TestFilledBeforeItShows: a fleet that has launched all it was told counts as busy until its machines show. Taken for one
// that will bring nothing, it would be asked for again by a second one.
func TestFilledBeforeItShows(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"EC2Fleet", "SpotFleet"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{LaunchDelay: time.Second, FleetDelay: 5 * time.Second, DescribeLag: 10 * time.Second})
			p := w.open(t)
			a := ask(template(api, fmt.Sprintf(`{"imageId": %q, "vmTypes": {"m5.large": 1}, "subnetId": %q, "fleetType": "request", "priceType": "spot"}`, image, subnetA)), 2)
			_, launched := launch(t, p, a)
			look := func() (active bool, machines int) {
				seen, err := p.Observe(t.Context(), []provider.Scope{{Request: a.Request, Resources: []string{launched.Resource}}})
				if err != nil || !seen.Complete || len(seen.Resources) != 1 {
					t.Fatalf("%+v, %v", seen, err)
				}
				return seen.Resources[0].Active, len(seen.Machines)
			}
			w.advance(11 * time.Second)
			if len(w.Instances()) != 2 {
				t.Fatal("nothing is launched yet")
			}
			if active, machines := look(); !active || machines != 0 {
				t.Errorf("before the machines show: active %t, %d machines; want true and none", active, machines)
			}
			w.advance(5 * time.Second)
			if active, machines := look(); active || machines != 2 {
				t.Errorf("once they show: active %t, %d machines; want false and 2", active, machines)
			}
		})
	}
}
