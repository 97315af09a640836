package setup

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// resolved is how many names are looked up: as many as show whether names resolve here at all.
const resolved = 3

// shownNames is how many pairs of names a finding lists.
const shownNames = 3

// names looks whether Host Factory can tell the machines apart. It takes a machine for joined when the first label of
// its name is found anywhere in EGO's list of hosts, so that ip-10-0-1-2 is taken for ip-10-0-1-23.
func (d Doctor) names(ctx context.Context, machines []ohfp.Machine) []provider.Finding {
	const name = "names"
	var labels, hosts []string
	for _, m := range machines {
		if label, _, _ := strings.Cut(m.Name, "."); label != "" {
			labels, hosts = append(labels, label), append(hosts, m.Name)
		}
	}
	if len(hosts) == 0 {
		return []provider.Finding{fine(name, "", "no machine is there whose name could be looked up")}
	}
	var found []provider.Finding
	if pairs := within(labels); len(pairs) > 0 {
		text := strings.Join(pairs[:min(len(pairs), shownNames)], ", ")
		if more := len(pairs) - shownNames; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		found = append(found, warning(name, "", "names of machines are part of others, which Host Factory then takes for joined: "+text,
			"use names of one length: host_name resource-name in the provider's config (and in the subnets), or a pattern"))
	}
	for _, host := range hosts[:min(len(hosts), resolved)] {
		if _, err := d.Resolve(ctx, host); err != nil {
			found = append(found, warning(name, host, "this machine cannot resolve the name, and EGO may not either: "+err.Error(),
				"let the name service of the management hosts know the machines' network (DNS of the VPC), or choose other names with host_name"))
			break
		}
	}
	if len(found) == 0 {
		found = append(found, fine(name, "", ohfp.Count(len(hosts), "name")+", told apart and resolving"))
	}
	return found
}

// within are the pairs of names of which one is part of the other.
func within(labels []string) []string {
	labels = slices.Compact(slices.Sorted(slices.Values(labels)))
	byLength := map[int]bool{}
	for _, l := range labels {
		byLength[len(l)] = true
	}
	lengths := make([]int, 0, len(byLength))
	for n := range byLength {
		lengths = append(lengths, n)
	}
	known := map[string]bool{}
	for _, l := range labels {
		known[l] = true
	}
	var pairs []string
	for _, long := range labels {
		for _, n := range lengths {
			for at := 0; n < len(long) && at+n <= len(long); at++ {
				if part := long[at : at+n]; known[part] {
					pairs = append(pairs, part+" in "+long)
				}
			}
		}
	}
	slices.SortFunc(pairs, cmp.Compare)
	return slices.Compact(pairs)
}
