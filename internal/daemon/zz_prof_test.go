package daemon_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/fakehf"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

func TestZZ(t *testing.T) {
	s := newSite(t, delivered, awssim.Options{})
	var hosts []fakehf.Host
	var under string
	for range 10 {
		under = s.ask(100)
		hosts = append(hosts, fakehf.Hosts(s.ready(under, 100).Machines)...)
	}
	hb, _ := json.Marshal(map[string]any{"machines": hosts})
	cfg, err := config.Load(config.Sources{Environ: s.environment()})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), cfg, app.Options{Stderr: os.Stderr, LookupEnv: os.LookupEnv, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	face := hostfactory.Face{Commands: nop{a.Commands}, Queries: a.Queries}
	for _, c := range []struct{ a, in string }{
		{"getRequestStatus", fmt.Sprintf(`{"requests":[{"requestId":%q}]}`, under)},
		{"getReturnRequests", string(hb)},
	} {
		f, _ := os.Create("/tmp/prof/" + c.a)
		pprof.StartCPUProfile(f)
		n := 500
		began := time.Now()
		for range n {
			face.Answer(t.Context(), hostfactory.Action(c.a), []byte(c.in))
		}
		fmt.Fprintln(os.Stderr, c.a, time.Since(began)/time.Duration(n))
		pprof.StopCPUProfile()
		f.Close()
	}
	a.Close()
}

type nop struct{ hostfactory.Commands }

func (nop) SyncRequests(context.Context, command.SyncRequests) error { return nil }
