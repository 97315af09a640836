package demo

import (
	"context"
	"fmt"
	"strings"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/output"
)

// mostRows is how many machines a table shows; the rest is counted.
const mostRows = 10

type machineRow struct {
	ID      string `json:"machineId"`
	Status  string `json:"status"`
	Name    string `json:"name"`
	Address string `json:"privateIpAddress"`
}

func newMachineRow(m machine) machineRow {
	return machineRow{ID: m.MachineID, Status: m.Status, Name: m.Name, Address: m.PrivateIPAddress}
}

// showMachines is a table of the first machines.
func (s *story) showMachines() error {
	document := struct {
		Machines []machineRow `json:"machines"`
		Message  string       `json:"message,omitempty"`
	}{Machines: s.table}
	if more := len(s.table) - mostRows; more > 0 {
		document.Machines = s.table[:mostRows]
		document.Message = fmt.Sprintf("… and %d more", more)
	}
	return s.tabulate(document, output.Layout{
		Records: "machines",
		Columns: []output.Column{
			{Key: "machineId", Heading: "machine"},
			{Key: "status", State: true},
			{Key: "name"},
			{Key: "privateIpAddress", Heading: "address"},
		},
	})
}

type callRow struct {
	Call  string `json:"call"`
	Times int    `json:"times"`
	What  string `json:"what,omitempty"`
}

// settleAccounts asks the cloud itself what happened.
func (s *story) settleAccounts(context.Context) error {
	s.chapter("What does the cloud say?")
	ledger := s.cloud.Ledger()
	rows, launched := summary(ledger)
	err := s.tabulate(struct {
		Calls []callRow `json:"calls"`
	}{rows}, output.Layout{
		Records: "calls",
		Columns: []output.Column{
			{Key: "call", Heading: "AWS call"},
			{Key: "times", Number: true},
			{Key: "what", Heading: "what for"},
		},
	})
	if err != nil {
		return err
	}
	alive := 0
	for _, instance := range s.cloud.Instances() {
		if instance.Alive() {
			alive++
		}
	}
	switch {
	case launched != s.machines:
		return fmt.Errorf("%d machines were requested; the cloud launched %d", s.machines, launched)
	case alive > 0:
		return fmt.Errorf("everything was given back; the cloud still runs %d machines", alive)
	}
	s.proof("%s asked for, %d launched, %d left", count(s.machines, "machine"), launched, alive)
	fastest, middle, slowest := spread(s.scripts.took)
	s.proof("%d script calls, each a process of its own: %d ms in the middle, %d to %d ms",
		len(s.scripts.took), middle.Milliseconds(), fastest.Milliseconds(), slowest.Milliseconds())
	s.line("\nAll is well. Go on with ohfp --help, or try commands by hand on ohfp simulator serve.")
	return nil
}

// summary counts the calls of a ledger in the order in which they were first made, and the instances launched.
func summary(ledger []awssim.Call) (rows []callRow, launched int) {
	purposes := map[string]string{
		"RunInstances":                   "launches machines",
		"CreateFleet":                    "launches machines",
		"DescribeInstances":              "how are they?",
		"TerminateInstances":             "ends exactly the machines named",
		"CreateLaunchTemplate":           "once for each content, then shared",
		"DescribeLaunchTemplates":        "is it there already?",
		"DescribeLaunchTemplateVersions": "is it there already?",
		"DescribeTags":                   "which are ours?",
		"DescribeAutoScalingGroups":      "does a group of ours lack its record?",
		"DescribeInstanceStatus":         "does AWS plan to maintain any?",
		"DeleteFleets":                   "removes the empty fleet",
		"DescribeFleets":                 "how is the fleet?",
		"DescribeSubnets":                "where do the subnets lie?",
		"DescribeImages":                 "what does the image need?",
	}
	at := map[string]int{}
	for _, call := range ledger {
		i, ok := at[call.Action]
		if !ok {
			i = len(rows)
			at[call.Action] = i
			rows = append(rows, callRow{Call: call.Action, What: purposes[call.Action]})
		}
		rows[i].Times++
		if call.Code != "" {
			rows[i].What += "; 1: " + refusal(call.Code)
		}
		launched += len(call.Launched)
	}
	return rows, launched
}

// refusal says what an error of the cloud means where it is no accident.
func refusal(code string) string {
	if strings.HasPrefix(code, "InvalidLaunchTemplate") {
		return "no template yet"
	}
	return code
}
