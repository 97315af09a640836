package app

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
)

// site is an installation beside a simulated AWS that has the same clock.
type site struct {
	t     *testing.T
	cloud *awssim.Cloud
	env   map[string]string

	mu   sync.Mutex
	time time.Time
}

const siteTemplates = `{"templates": [
  {"templateId": "single", "maxNumber": 5, "imageId": "ami-0abcdef1234567890", "vmType": "m5.xlarge"},
  {"templateId": "kept", "maxNumber": 5, "imageId": "ami-0abcdef1234567890", "vmType": "m5.large", "subnetId": "subnet-0000000000000000a",
   "providerApi": "EC2Fleet", "fleetType": "maintain"},
  {"templateId": "patient", "maxNumber": 5, "imageId": "ami-0abcdef1234567890", "vmType": "m5.large", "subnetId": "subnet-0000000000000000a",
   "providerApi": "SpotFleet", "priceType": "spot", "spotFleetRequestExpiry": 45},
  {"templateId": "hasty", "maxNumber": 5, "imageId": "ami-0abcdef1234567890", "vmType": "m5.large", "subnetId": "subnet-0000000000000000a",
   "providerApi": "SpotFleet", "priceType": "spot", "spotFleetRequestExpiry": 45, "timeout": 120},
  {"templateId": "usual-spot", "maxNumber": 5, "imageId": "ami-0abcdef1234567890", "vmType": "m5.large", "subnetId": "subnet-0000000000000000a",
   "providerApi": "SpotFleet", "priceType": "spot"},
  {"templateId": "default-spot", "maxNumber": 5, "imageId": "ami-0abcdef1234567890", "vmType": "m5.large", "subnetId": "subnet-0000000000000000a",
   "providerApi": "EC2Fleet", "fleetType": "request", "priceType": "spot", "spot_fleet_request_expiry": 20},
  {"templateId": "either", "maxNumber": 5, "imageId": "ami-0abcdef1234567890", "vmType": "m5.large", "subnetId": "subnet-0000000000000000a",
   "providerApi": "ASG", "priceType": "heterogeneous"}
]}`

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	cloud, err := awssim.New(awssim.Options{Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	s.cloud = cloud
	s.env = map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
		"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_EC2_METADATA_DISABLED": "true",
		"OHFP_CONF_DIR": dir, "OHFP_WORK_DIR": filepath.Join(dir, "work"),
	}
	for name, text := range map[string]string{"awsprov_templates.json": siteTemplates, "awsprov_config.json": `{"AWS_REGION": "us-east-1"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.time
}

func (s *site) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.time = s.time.Add(d)
}

// process does some work in a process of its own.
func (s *site) process(work func(c *command.Commands) error) {
	s.t.Helper()
	var environ []string
	for name, value := range s.env {
		environ = append(environ, name+"="+value)
	}
	cfg, err := config.Load(config.Sources{Environ: environ})
	if err != nil {
		s.t.Fatal(err)
	}
	var log bytes.Buffer
	a, err := Open(s.t.Context(), cfg, Options{
		Stderr: &log, Now: s.now, LookupEnv: func(key string) (string, bool) { value, ok := s.env[key]; return value, ok },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := work(a.Commands); err != nil {
		s.t.Errorf("%v\n%s", err, log.String())
	}
	if err := a.Close(); err != nil {
		s.t.Error(err)
	}
}

// ask asks for machines, and returns the request.
func (s *site) ask(template ohfp.TemplateID, count int) (r ohfp.Request) {
	s.t.Helper()
	s.process(func(c *command.Commands) error {
		var err error
		if r, err = c.RequestMachines(s.t.Context(), command.RequestMachines{Template: template, Count: count, Origin: ohfp.Origin{Face: "cli"}}); err != nil {
			return err
		}
		return c.Answered(s.t.Context(), r.ID)
	})
	return r
}

// look looks at a request.
func (s *site) look(id ohfp.RequestID) (r ohfp.Request) {
	s.t.Helper()
	s.process(func(c *command.Commands) error {
		if err := c.SyncRequests(s.t.Context(), command.SyncRequests{IDs: []ohfp.RequestID{id}}); err != nil {
			return err
		}
		var err error
		r, err = c.Store.Request(s.t.Context(), id)
		return err
	})
	return r
}

func (s *site) doChores() {
	s.t.Helper()
	s.process(func(c *command.Commands) error { return c.DoChores(s.t.Context()) })
}

// TestLaunchTemplatesAreCleanedUp: those that nothing uses go by themselves; those that a fleet launches from stay.
func TestLaunchTemplatesAreCleanedUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	single, kept := s.ask("single", 2), s.ask("kept", 2)
	for _, r := range []ohfp.Request{single, kept} {
		s.advance(time.Minute)
		if r = s.look(r.ID); r.Status != ohfp.StatusComplete {
			t.Fatalf("request of template %s is %s: %s", r.Template.ID, r.Status, r.Message)
		}
	}
	s.doChores()
	s.advance(26 * time.Hour)
	if n := len(s.cloud.LaunchTemplates()); n != 2 {
		t.Fatalf("%d launch templates at first, want 2", n)
	}
	s.doChores()
	left := s.cloud.LaunchTemplates()
	if len(left) != 1 || left[0].Tags["ohfp:template-id"] != "kept" {
		t.Fatalf("left are %+v, want that of the fleet that replaces its machines", left)
	}
	// Given back, the fleet needs it no more.
	s.process(func(c *command.Commands) error {
		r, err := c.Store.Request(t.Context(), kept.ID)
		if err != nil {
			return err
		}
		var named []command.Named
		for _, m := range r.Machines {
			named = append(named, command.Named{ID: m.ID})
		}
		_, err = c.ReturnMachines(t.Context(), command.ReturnMachines{Machines: named})
		return err
	})
	for range 5 {
		s.advance(time.Minute)
		s.process(func(c *command.Commands) error {
			return c.SyncRequests(t.Context(), command.SyncRequests{Others: true})
		})
	}
	if n := len(s.cloud.LaunchTemplates()); n != 1 {
		t.Errorf("the return leaves %d launch templates, want 1", n)
	}
	s.env["OHFP_CLEANING_UNUSED_AFTER"] = "0"
	s.advance(2 * time.Hour)
	s.doChores()
	if n := len(s.cloud.LaunchTemplates()); n != 1 {
		t.Errorf("%d launch templates are left where cleaning is switched off, want 1", n)
	}
	s.env["OHFP_CLEANING_UNUSED_AFTER"] = "25h"
	s.doChores()
	if n := len(s.cloud.LaunchTemplates()); n != 0 {
		t.Errorf("%d launch templates are left after the return, want none", n)
	}
}

// TestDeadlineOfSpotFleets: a request waits for spot capacity as long as its template says, and no longer.
func TestDeadlineOfSpotFleets(t *testing.T) {
	t.Parallel()
	for template, lasts := range map[ohfp.TemplateID]time.Duration{
		"patient": 45 * time.Minute, "hasty": 2 * time.Minute, "usual-spot": 30 * time.Minute, "default-spot": 20 * time.Minute,
	} {
		t.Run(string(template), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			if err := s.cloud.SetCapacity("m5.large", "us-east-1a", awssim.Spot, 1); err != nil {
				t.Fatal(err)
			}
			r := s.ask(template, 2)
			if want := s.now().Add(lasts); !r.Deadline.Equal(want) || r.Timeout != lasts {
				t.Errorf("the deadline is %s, want %s", r.Deadline, want)
			}
			s.advance(lasts - time.Second)
			if r = s.look(r.ID); r.Status != ohfp.StatusInProgress {
				t.Errorf("a second before its deadline, the request is %s: %s", r.Status, r.Message)
			}
			s.advance(2 * time.Second)
			if r = s.look(r.ID); r.Status != ohfp.StatusPartial && r.Status != ohfp.StatusStopping || r.Delivered() != 1 {
				t.Errorf("past its deadline, the request is %s with %d machines: %s", r.Status, r.Delivered(), r.Message)
			}
		})
	}
}

// TestOnDemandComesInTime: what spot leaves unfilled is launched on demand before the deadline, however short that is
// configured.
func TestOnDemandComesInTime(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.env["OHFP_REQUESTS_TIMEOUT"] = "5m"
	if err := s.cloud.SetCapacity("m5.large", "us-east-1a", awssim.Spot, 1); err != nil {
		t.Fatal(err)
	}
	r := s.ask("either", 2)
	for range 5 {
		s.advance(55 * time.Second)
		r = s.look(r.ID)
	}
	if r.Status != ohfp.StatusComplete || r.Delivered() != 2 {
		t.Errorf("before its deadline, the request is %s with %d machines: %s", r.Status, r.Delivered(), r.Message)
	}
}
