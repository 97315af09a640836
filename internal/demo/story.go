package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
)

// templateID is what the demo requests.
const templateID = "EC2FleetInstant"

// story is the demo under way.
type story struct {
	tell
	scripts  *scripts
	cloud    *awssim.Cloud
	machines int

	request string
	hosts   []host
	table   []machineRow
}

// play runs the scripts in the order in which a cluster does. Each step checks what it was told.
func (s *story) play(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.listTemplates, s.requestMachines, s.awaitMachines, s.loseOne, s.returnMachines, s.settleAccounts,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) listTemplates(ctx context.Context) error {
	s.chapter("What may be asked for?")
	var answer templatesAnswer
	took, err := s.scripts.call(ctx, "getAvailableTemplates", noInput{}, &answer)
	if err != nil {
		return err
	}
	s.call(s.scripts.name("getAvailableTemplates"), took, "%s", count(len(answer.Templates), "template"))
	found := false
	for _, t := range answer.Templates {
		s.detail("  %-22s %4s CPUs  %6s MiB   at most %d", t.TemplateID,
			t.Attributes["ncpus"][1], t.Attributes["nram"][1], t.MaxNumber)
		found = found || t.TemplateID == templateID
	}
	if !found {
		return fmt.Errorf("template %s is not among the %d templates listed", templateID, len(answer.Templates))
	}
	return nil
}

func (s *story) requestMachines(ctx context.Context) error {
	s.chapter("%s of %s, please.", count(s.machines, "machine"), templateID)
	var input requestInput
	input.Template.TemplateID, input.Template.MachineCount = templateID, s.machines
	var answer requestAnswer
	took, err := s.scripts.call(ctx, "requestMachines", input, &answer)
	if err != nil {
		return err
	}
	if answer.RequestID == "" {
		return fmt.Errorf("requestMachines answered without a requestId: %s", answer.Message)
	}
	s.request = answer.RequestID
	s.call(s.scripts.name("requestMachines"), took, "accepted")
	s.detail("  request %s", s.request)
	return nil
}

func (s *story) awaitMachines(ctx context.Context) error {
	s.chapter("Are they ready?")
	status, err := s.poll(ctx, s.request, func(m machine) bool { return m.Result == "succeed" }, "ready")
	if err != nil {
		return err
	}
	for _, m := range status.Machines {
		s.hosts = append(s.hosts, host{Name: m.Name, MachineID: m.MachineID})
		s.table = append(s.table, newMachineRow(m))
	}
	if err := s.sameAsCloud(status.Machines); err != nil {
		return err
	}
	if err := s.showMachines(); err != nil {
		return err
	}
	s.proof("the cloud runs exactly these")
	return nil
}

// loseOne plays the event that getReturnRequests is for. With a single machine there would be nothing left to return.
func (s *story) loseOne(ctx context.Context) error {
	lost := ""
	if len(s.hosts) > 1 {
		victim := s.hosts[len(s.hosts)-1]
		s.chapter("Somebody terminates %s in the AWS console.", victim.Name)
		if err := s.cloud.Terminate(victim.MachineID); err != nil {
			return fmt.Errorf("terminate %s: %w", victim.MachineID, err)
		}
		if err := pause(ctx, terminateTime+pollInterval); err != nil {
			return err
		}
		lost = victim.Name
	} else {
		s.chapter("Does the cloud take any back?")
	}
	var answer returnRequestsAnswer
	took, err := s.scripts.call(ctx, "getReturnRequests", hostsInput{s.hosts}, &answer)
	if err != nil {
		return err
	}
	var told []string
	for _, r := range answer.Requests {
		told = append(told, r.Machine)
	}
	if lost == "" {
		s.call(s.scripts.name("getReturnRequests"), took, "none")
		if len(told) > 0 {
			return fmt.Errorf("getReturnRequests lists %s, which the cloud did not take back", strings.Join(told, ", "))
		}
		return nil
	}
	if len(told) != 1 || told[0] != lost {
		return fmt.Errorf("getReturnRequests lists %q; the cloud took back %s", told, lost)
	}
	s.call(s.scripts.name("getReturnRequests"), took, "told: %s", lost)
	return nil
}

func (s *story) returnMachines(ctx context.Context) error {
	s.chapter("All work is done: give everything back.")
	var answer requestAnswer
	took, err := s.scripts.call(ctx, "requestReturnMachines", hostsInput{s.hosts}, &answer)
	if err != nil {
		return err
	}
	if answer.RequestID == "" {
		return fmt.Errorf("requestReturnMachines answered without a requestId: %s", answer.Message)
	}
	s.call(s.scripts.name("requestReturnMachines"), took, "accepted")
	s.detail("  return %s", answer.RequestID)
	_, err = s.poll(ctx, answer.RequestID, func(m machine) bool {
		return m.Result == "succeed" && m.Status == "terminated"
	}, "gone")
	return err
}

// poll asks for the status of a request until it is complete and every machine is done.
func (s *story) poll(ctx context.Context, id string, done func(machine) bool, word string) (requestStatus, error) {
	began := time.Now()
	for {
		var answer statusAnswer
		took, err := s.scripts.call(ctx, "getRequestStatus", statusInput{[]requestID{{id}}}, &answer)
		if err != nil {
			return requestStatus{}, err
		}
		if len(answer.Requests) != 1 || answer.Requests[0].RequestID != id {
			return requestStatus{}, fmt.Errorf("getRequestStatus was asked for %s and answered for %d others", id, len(answer.Requests))
		}
		status := answer.Requests[0]
		ready := 0
		for _, m := range status.Machines {
			if done(m) {
				ready++
			}
		}
		s.call(s.scripts.name("getRequestStatus"), took, "%3.1f s: %s, %d of %d %s",
			time.Since(began).Seconds(), status.Status, ready, s.machines, word)
		switch status.Status {
		case "complete":
			if ready != s.machines || len(status.Machines) != s.machines {
				return status, fmt.Errorf("request %s is complete with %d of %d machines %s", id, ready, s.machines, word)
			}
			return status, nil
		case "running":
		default:
			return status, fmt.Errorf("request %s is %s: %s", id, status.Status, status.Message)
		}
		if time.Since(began) > patience {
			return status, fmt.Errorf("request %s is still %s after %s: %s", id, status.Status, patience, status.Message)
		}
		if err := pause(ctx, pollInterval); err != nil {
			return status, err
		}
	}
}

// sameAsCloud compares what the scripts told with what the cloud has.
func (s *story) sameAsCloud(told []machine) error {
	alive := map[string]awssim.Instance{}
	for _, instance := range s.cloud.Instances() {
		if instance.Alive() {
			alive[instance.ID] = instance
		}
	}
	for _, m := range told {
		instance, ok := alive[m.MachineID]
		switch {
		case !ok:
			return fmt.Errorf("machine %s was told to be ready; the cloud does not run it", m.MachineID)
		case m.Name != instance.PrivateDNS || m.PrivateIPAddress != instance.PrivateIP:
			return fmt.Errorf("machine %s was told to be %s at %s; the cloud says %s at %s",
				m.MachineID, m.Name, m.PrivateIPAddress, instance.PrivateDNS, instance.PrivateIP)
		}
		delete(alive, m.MachineID)
	}
	if len(alive) > 0 {
		return fmt.Errorf("the cloud runs %d machines that nobody was told of", len(alive))
	}
	return nil
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// spread is the fastest, the middle and the slowest of some durations.
func spread(durations []time.Duration) (fastest, middle, slowest time.Duration) {
	if len(durations) == 0 {
		return 0, 0, 0
	}
	sorted := slices.SortedFunc(slices.Values(durations), cmp.Compare)
	return sorted[0], sorted[len(sorted)/2], sorted[len(sorted)-1]
}
