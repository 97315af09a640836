package jsonfile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// check reads the files of a store that nobody has open, with the standard library alone, and compares what the head,
// the directories and the lookup files say with what is in the requests.
func check(tb testing.TB, location string) {
	tb.Helper()
	var head struct {
		Live   int
		Usage  map[ohfp.TemplateID]map[string]int
		Costs  map[string]ohfp.Cost
		Events struct{ First, Size, Last int64 }
	}
	readJSON(tb, filepath.Join(location, "store.json"), &head)
	if left := files(tb, filepath.Join(location, "staged")); len(left) > 0 {
		tb.Errorf("%v was left aside", left)
	}
	live := 0
	usage := map[ohfp.TemplateID]map[string]int{}
	costs := map[string]ohfp.Cost{}
	homes := map[ohfp.RequestID]string{}
	lookup := lookupLines(tb, location)
	for _, dir := range []string{"open", "held", "done"} {
		for _, path := range files(tb, filepath.Join(location, "requests", dir)) {
			var file struct {
				ID       ohfp.RequestID
				Version  int64
				Request  *ohfp.Request
				Machines []ohfp.Machine
			}
			readJSON(tb, path, &file)
			if homes[file.ID] != "" || file.Version < 1 || file.ID == "" {
				tb.Errorf("%s has version %d of request %s, which is also in %q", path, file.Version, file.ID, homes[file.ID])
			}
			homes[file.ID] = dir
			there := false
			for _, m := range file.Machines {
				there = there || !m.Gone()
				for _, key := range []string{string(m.ID), m.Name} {
					if line, _ := json.Marshal([]string{key, string(file.ID)}); key != "" && !lookup[string(line)] {
						tb.Errorf("no lookup file has %s", line)
					}
				}
			}
			if dir != "done" {
				live++
			}
			if file.Request == nil {
				if dir == "open" {
					tb.Errorf("%s has no request", path)
				}
				continue
			}
			if !file.Request.Status.Terminal() && dir != "open" || dir == "held" && !there || dir == "done" && there {
				tb.Errorf("%s is %s, has live machines: %t", path, file.Request.Status, there)
			}
			file.Request.Machines = file.Machines
			if cost := store.CostOf(*file.Request); cost != (ohfp.Cost{}) {
				costs[file.Request.Provider] = costs[file.Request.Provider].Plus(cost)
			}
			if units := store.Units(*file.Request); units > 0 {
				if usage[file.Request.Template.ID] == nil {
					usage[file.Request.Template.ID] = map[string]int{}
				}
				usage[file.Request.Template.ID][file.Request.Provider] += units
			}
		}
	}
	if head.Live != live {
		tb.Errorf("the head counts %d live requests, there are %d", head.Live, live)
	}
	if head.Usage == nil {
		head.Usage = map[ohfp.TemplateID]map[string]int{}
	}
	if diff := cmp.Diff(usage, head.Usage); diff != "" {
		tb.Errorf("usage differs (-counted +head):\n%s", diff)
	}
	if diff := cmp.Diff(costs, head.Costs, cmpopts.EquateEmpty()); diff != "" {
		tb.Errorf("costs differ (-counted +head):\n%s", diff)
	}
	if head.Events.Last == 0 {
		return
	}
	data, err := os.ReadFile(filepath.Join(location, "events", fmt.Sprintf("%012d.jsonl", head.Events.First)))
	if err != nil || int64(len(data)) < head.Events.Size {
		tb.Fatalf("%d bytes of events (%v), want %d", len(data), err, head.Events.Size)
	}
	sequence := head.Events.First
	for line := range bytes.Lines(data[:head.Events.Size]) {
		var e ohfp.Event
		if err := json.Unmarshal(line, &e); err != nil || e.Sequence != sequence {
			tb.Fatalf("event %d is %s: %v", sequence, line, err)
		}
		sequence++
	}
	if sequence != head.Events.Last+1 {
		tb.Errorf("events end at %d, want %d", sequence-1, head.Events.Last)
	}
}

func readJSON(tb testing.TB, path string, value any) {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(data, value); err != nil {
		tb.Fatalf("%s: %v\n%s", path, err, data)
	}
}

func files(tb testing.TB, dir string) []string {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	var paths []string
	for _, entry := range entries {
		paths = append(paths, filepath.Join(dir, entry.Name()))
	}
	return paths
}

func lookupLines(tb testing.TB, location string) map[string]bool {
	tb.Helper()
	lines := map[string]bool{}
	for _, path := range files(tb, filepath.Join(location, "lookup")) {
		data, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		for line := range bytes.Lines(data) {
			lines[string(bytes.TrimSpace(line))] = true
		}
	}
	return lines
}
