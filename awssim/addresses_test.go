package awssim

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAddresses takes and releases at random: no address is out twice, and it is always the lowest free one.
func TestAddresses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.IntRange(24, 28).Draw(t, "bits")
		block := netip.PrefixFrom(netip.MustParseAddr("10.1.2.0"), bits)
		a := newAddresses(block, 4)
		var free, taken []netip.Addr
		first := block.Addr()
		for i := range 1 << (32 - bits) {
			if i >= 4 && i < 1<<(32-bits)-1 {
				free = append(free, first)
			}
			first = first.Next()
		}
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			if len(taken) > 0 && rapid.IntRange(0, 2).Draw(t, "release") == 0 {
				i := rapid.IntRange(0, len(taken)-1).Draw(t, "which")
				a.release(taken[i])
				free = append(free, taken[i])
				slices.SortFunc(free, netip.Addr.Compare)
				taken = slices.Delete(taken, i, i+1)
				continue
			}
			got := a.take()
			if len(free) == 0 {
				if got.IsValid() {
					t.Fatalf("took %s of a full block", got)
				}
				continue
			}
			if got != free[0] {
				t.Fatalf("took %s, the lowest free one is %s", got, free[0])
			}
			taken, free = append(taken, got), free[1:]
		}
		if a.free != len(free) {
			t.Fatalf("%d addresses counted free, want %d", a.free, len(free))
		}
	})
}

func TestResourcesForgetTheDropped(t *testing.T) {
	t.Parallel()
	r := resources{byID: map[string]*resource{}}
	var all []*resource
	for i := range 5000 {
		one := &resource{id: string(rune(i)), sequence: i}
		all = append(all, one)
		r.add(one)
	}
	for _, one := range all[:4000] {
		r.drop(one)
		r.drop(one)
	}
	alive := 0
	for _, one := range r.ordered {
		if !one.gone {
			alive++
		}
	}
	if alive != 1000 || len(r.byID) != 1000 || len(r.ordered) > 2500 {
		t.Errorf("%d alive, %d by ID, %d kept in order, want 1000, 1000 and far fewer than 5000", alive, len(r.byID), len(r.ordered))
	}
	if !slices.IsSortedFunc(r.ordered, func(a, b *resource) int { return a.sequence - b.sequence }) {
		t.Error("the order is lost")
	}
}
