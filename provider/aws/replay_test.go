package aws_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

func TestTokensThatWereUsedBefore(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"RunInstances", "EC2Fleet"} {
		action := map[string]string{"RunInstances": "RunInstances", "EC2Fleet": "CreateFleet"}[api]
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			p := w.open(t)
			order, launched := launch(t, p, ask(template(api, plain), 3))
			if err := w.FailNext(action, "IdempotentParameterMismatch", 1); err != nil {
				t.Fatal(err)
			}
			again, err := p.Launch(t.Context(), order)
			if err != nil {
				t.Fatalf("parameter mismatch: %v", err)
			}
			if diff := cmp.Diff(ids(launched.Machines), ids(again.Machines)); diff != "" || again.Resource != launched.Resource {
				t.Errorf("parameter mismatch brings resource %s, want %s, and other machines (-want +got):\n%s", again.Resource, launched.Resource, diff)
			}
			if _, err := p.Terminate(t.Context(), launched.Machines, nil); err != nil {
				t.Fatal(err)
			}
			w.advance(time.Minute)
			if again, err = p.Launch(t.Context(), order); err != nil {
				t.Fatalf("instances terminated: %v", err)
			}
			if diff := cmp.Diff(ids(launched.Machines), ids(again.Machines)); diff != "" {
				t.Errorf("machines of the order that have ended (-want +got):\n%s", diff)
			}
			if len(w.live()) != 0 {
				t.Errorf("%d machines exist", len(w.live()))
			}
			if api == "RunInstances" && again.Machines[0].State != ohfp.MachineTerminated {
				t.Errorf("an ended machine is %s", again.Machines[0].State)
			}
		})
	}
}

func TestTerminatedMachinesThatEC2Forgot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	order, launched := launch(t, p, ask(template("RunInstances", plain), 1))
	if _, err := p.Terminate(t.Context(), launched.Machines, nil); err != nil {
		t.Fatal(err)
	}
	w.advance(3 * time.Hour)
	if again, err := p.Launch(t.Context(), order); !errors.Is(err, ohfp.ErrCapacity) || len(again.Failures) != 1 {
		t.Errorf("an order whose machines are forgotten brings %+v, error %v; want no capacity and a failure", again, err)
	}
	if err := w.FailNext("RunInstances", "IdempotentParameterMismatch", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Launch(t.Context(), order); !errors.Is(err, ohfp.ErrUnavailable) {
		t.Errorf("a mismatch without machines is %v; its outcome is unknown", err)
	}
}

// TestUnitsSurviveALostAnswer checks that machines which only Observe has seen count like those that Launch told.
func TestUnitsSurviveALostAnswer(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"RunInstances", "EC2Fleet"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			p := w.open(t)
			a := ask(template(api, `{"imageId": "`+image+`", "vmTypes": {"m5.xlarge": 2, "m5.2xlarge": 4}, "subnetId": "`+subnetA+`", "priceType": "spot"}`), 9)
			order, err := p.Prepare(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			w.fault.set(func(f *fault) { f.drop = 1 })
			if _, err := p.Launch(t.Context(), order); err == nil && api == "EC2Fleet" {
				t.Fatal("the answer was not lost")
			}
			_, err = p.Launch(t.Context(), order)
			if err != nil {
				t.Fatal(err)
			}
			seen, err := p.Observe(t.Context(), []provider.Scope{{Request: a.Request}})
			if err != nil {
				t.Fatal(err)
			}
			units := 0
			for _, m := range seen.Machines {
				units += m.Units()
				if want := map[string]int{"m5.xlarge": 2, "m5.2xlarge": 4}[m.Type]; m.Weight != want {
					t.Errorf("machine %s of type %s has weight %d, want %d", m.ID, m.Type, m.Weight, want)
				}
			}
			if units < 9 || units >= 9+4 {
				t.Errorf("9 units asked for, %d observed", units)
			}
		})
	}
}

func TestTheStoredCallIsWhatIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	a := ask(template("RunInstances", plain), 1)
	order, _ := launch(t, w.open(t), a)
	stored, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	var read ohfp.Order
	if err := json.Unmarshal(stored, &read); err != nil {
		t.Fatal(err)
	}
	w.ResetLedger()
	for range 2 {
		if _, err := w.open(t).Launch(t.Context(), read); err != nil {
			t.Fatal(err)
		}
	}
	ledger := w.Ledger()
	if len(ledger) != 2 || ledger[0].Digest != ledger[1].Digest || ledger[0].ClientToken != order.Token || !ledger[1].Replayed {
		t.Errorf("the order was sent as %+v", ledger)
	}
	if len(order.Token) != 64 {
		t.Errorf("the token %q has %d characters, want 64", order.Token, len(order.Token))
	}
}

func TestLaunchTemplateThatDoesNotShowYet(t *testing.T) {
	t.Parallel()
	for api, action := range map[string]string{"RunInstances": "RunInstances", "EC2Fleet": "CreateFleet"} {
		w := newWorld(t, awssim.Options{})
		p := w.open(t)
		order, err := p.Prepare(t.Context(), ask(template(api, plain), 2))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.FailNext(action, "InvalidLaunchTemplateName.NotFoundException", 2); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Launch(t.Context(), order); !errors.Is(err, ohfp.ErrUnavailable) {
			t.Errorf("%s: a launch template that does not show yet is told as %v; want unavailable, since the same order succeeds soon", api, err)
		}
		// Another process has made it meanwhile, which is as good.
		if err := w.FailNext(action, "InvalidLaunchTemplateName.NotFoundException", 1); err != nil {
			t.Fatal(err)
		}
		if err := w.FailNext("CreateLaunchTemplate", "InvalidLaunchTemplateName.AlreadyExistsException", 1); err != nil {
			t.Fatal(err)
		}
		if launched, err := p.Launch(t.Context(), order); err != nil || len(launched.Machines) != 2 {
			t.Errorf("%s: launched %d, error %v; want 2", api, len(launched.Machines), err)
		}
		if err := w.FailNext(action, "InvalidLaunchTemplateName.NotFoundException", 1); err != nil {
			t.Fatal(err)
		}
		if err := w.FailNext("CreateLaunchTemplate", "UnauthorizedOperation", 1); err != nil {
			t.Fatal(err)
		}
		_, err = p.Launch(t.Context(), order)
		var refusal *ohfp.CloudError
		if !errors.As(err, &refusal) || !errors.Is(err, ohfp.ErrDenied) || refusal.Operation != "CreateLaunchTemplate" {
			t.Errorf("%s: without the right to make launch templates: %v", api, err)
		}
	}
}
