// Package demo shows the whole life of machines without a cloud: it starts a simulated AWS, plays Host Factory against
// the real scripts, tells what happens, and checks with the cloud that it is true.
// It refuses to call the program's own packages for machines: everything goes through the scripts, as child processes.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/output"
)

// MostMachines is the most that a demo requests; the simulated network has room for some thousands.
const MostMachines = 1000

const (
	launchTime    = 2 * time.Second        // from pending to running: long enough to see progress
	addressTime   = time.Second            // until an instance has its host name
	terminateTime = time.Second            // from shutting-down to terminated
	pollInterval  = 500 * time.Millisecond // Host Factory waits 30 seconds; nobody would watch that
	patience      = time.Minute            // for machines to come and to go
)

// Demo is one run. All fields but Machines, Out and LookupEnv may stay empty.
type Demo struct {
	Machines  int
	Out       io.Writer
	LookupEnv func(string) (string, bool)
	Keep      string // work here and leave the files behind; empty: a temporary directory
	Program   string // what the scripts run; empty: this executable
}

// Run plays the demo. The error says what was off, if anything.
func (d Demo) Run(ctx context.Context) error {
	site, err := d.site()
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	problem := d.simulate(ctx, site)
	switch {
	case ctx.Err() != nil:
		site.remove()
		return ctx.Err() // somebody has seen enough
	case problem != nil:
		return fmt.Errorf("demo: %w\nlog and store are left in %s for a look", problem, site.root)
	}
	site.remove()
	return nil
}

// simulate plays on a cloud that lives as long as the play.
func (d Demo) simulate(ctx context.Context, site site) error {
	cloud, err := awssim.New(awssim.Options{
		Region: region, LaunchDelay: launchTime, AddressDelay: addressTime, TerminateDelay: terminateTime,
	})
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	ready := make(chan string, 1)
	go func() {
		ended <- cloud.ListenAndServe(serving, "127.0.0.1:0", func(url string) { ready <- url })
	}()
	select {
	case url := <-ready:
		err = d.play(ctx, site, cloud, url)
		stop()
		return errors.Join(err, <-ended)
	case err = <-ended:
		stop()
		return err
	}
}

func (d Demo) play(ctx context.Context, site site, cloud *awssim.Cloud, url string) error {
	s := &story{
		tell:     tell{w: d.Out, screen: output.ScreenOf(d.Out, d.LookupEnv)},
		scripts:  &scripts{dir: site.scripts, inputs: site.root, environment: site.environment(url)},
		cloud:    cloud,
		machines: d.Machines,
	}
	s.line("A simulated AWS listens at %s; a machine takes %s to start.", url, launchTime)
	s.line("The demo plays Host Factory: it runs the five scripts of the plug-in.")
	if d.Keep != "" {
		s.line("Everything is kept in %s.", site.root)
	}
	return s.play(ctx)
}

// site is where a demo works, laid out as the conf, work and log directories of a provider in a Host Factory.
type site struct {
	root, scripts, conf, work, log string
	program                        string
	temporary                      bool
}

func (d Demo) site() (site, error) {
	s := site{root: d.Keep, program: d.Program}
	if s.program == "" {
		program, err := os.Executable()
		if err != nil {
			return s, fmt.Errorf("find this program, which the scripts run: %w", err)
		}
		s.program = program
	}
	if s.root == "" {
		root, err := os.MkdirTemp("", "ohfp-demo-")
		if err != nil {
			return s, fmt.Errorf("make a temporary directory: %w", err)
		}
		s.root, s.temporary = root, true
	}
	root, err := filepath.Abs(s.root)
	if err != nil {
		return s, fmt.Errorf("find directory %s: %w", s.root, err)
	}
	s.root = root
	s.scripts, s.conf = filepath.Join(root, "scripts"), filepath.Join(root, "conf")
	s.work, s.log = filepath.Join(root, "work"), filepath.Join(root, "log")
	if err := s.fill(); err != nil {
		s.remove()
		return s, err
	}
	return s, nil
}

// remove leaves a directory that the caller named alone.
func (s site) remove() {
	if s.temporary {
		// Whatever cannot be removed lies in the system's temporary directory, which is cleared anyway.
		_ = os.RemoveAll(s.root)
	}
}
