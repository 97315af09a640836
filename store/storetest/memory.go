package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
)

func memoryTests() []test {
	return []test{
		{"remember and forget", memoryLife},
		{"expiry", memoryExpiry},
		{"prefixes", memoryPrefixes},
		{"swap", memorySwap},
		{"swap at once", memorySwapAtOnce},
		{"bounds", memoryBounds},
	}
}

func recall(t *testing.T, s bench, key string) (string, bool) {
	t.Helper()
	value, ok, err := s.Recall(t.Context(), key)
	must(t, err)
	return string(value), ok
}

func memoryLife(s bench) {
	t := s.t
	if _, ok := recall(t, s, "k"); ok {
		t.Fatal("something is remembered in a fresh store")
	}
	binary := "\x00\xff\xfe binary"
	for _, value := range []string{"1", "2", "", binary} {
		must(t, s.Remember(t.Context(), "k", []byte(value), time.Hour))
		if got, ok := recall(t, s, "k"); !ok || got != value {
			t.Errorf("got %q, %t; want %q", got, ok, value)
		}
	}
	must(t, s.Remember(t.Context(), "k", nil, time.Hour))
	if got, ok := recall(t, s, "k"); !ok || got != "" {
		t.Errorf("got %q, %t; want it empty but there", got, ok)
	}
	must(t, s.Forget(t.Context(), "k"))
	must(t, s.Forget(t.Context(), "k"))
	if _, ok := recall(t, s, "k"); ok {
		t.Error("forgotten, but remembered")
	}
}

func memoryExpiry(s bench) {
	t := s.t
	must(t, s.Remember(t.Context(), "short", []byte("1"), time.Minute))
	must(t, s.Remember(t.Context(), "long", []byte("2"), time.Hour))
	must(t, s.Remember(t.Context(), "never", []byte("3"), 0))
	live := func(want ...string) {
		t.Helper()
		all, err := s.RecallPrefix(t.Context(), "")
		must(t, err)
		same(t, slices.Sorted(maps.Keys(all)), want)
		for _, key := range []string{"short", "long", "never"} {
			if _, ok := recall(t, s, key); ok != slices.Contains(want, key) {
				t.Errorf("%s: recalled is %t", key, ok)
			}
		}
	}
	live("long", "short")
	s.clock.pass(time.Minute - time.Nanosecond)
	live("long", "short")
	s.clock.pass(time.Nanosecond)
	live("long")
	must(t, s.Remember(t.Context(), "long", []byte("2"), time.Hour)) // renewed
	s.clock.pass(59 * time.Minute)
	live("long")
	s.clock.pass(time.Minute)
	live()
}

func memoryPrefixes(s bench) {
	t := s.t
	keys := []string{"a", "a/", "a/1", "a/2", "A/3", "a%", "a_", "ab", "a\xff", "a\xff\xff", "a\xffz", "b", "é/1", "é/2"}
	for _, key := range keys {
		must(t, s.Remember(t.Context(), key, []byte(key), time.Hour))
	}
	expect := func(prefix string, left []string) {
		t.Helper()
		found, err := s.RecallPrefix(t.Context(), prefix)
		must(t, err)
		want := map[string][]byte{}
		for _, key := range left {
			if strings.HasPrefix(key, prefix) {
				want[key] = []byte(key)
			}
		}
		same(t, found, want)
	}
	for _, prefix := range []string{"", "a", "a/", "a%", "a_", "A", "a\xff", "a\xff\xff", "\xff", "é", "z", "\x00"} {
		expect(prefix, keys)
	}
	for _, prefix := range []string{"a%", "a\xff", "a/", "zz"} {
		must(t, s.Forget(t.Context(), prefix))
		keys = slices.DeleteFunc(keys, func(key string) bool { return strings.HasPrefix(key, prefix) })
		expect("", keys)
	}
	must(t, s.Forget(t.Context(), ""))
	expect("", nil)
}

func memorySwap(s bench) {
	t := s.t
	for i, c := range []struct {
		old, value []byte
		swapped    bool
		now        string
	}{
		{[]byte("x"), []byte("1"), false, ""},
		{[]byte{}, []byte("1"), false, ""}, // empty is a value
		{nil, []byte("1"), true, "1"},
		{nil, []byte("2"), false, "1"},
		{[]byte("2"), []byte("3"), false, "1"},
		{[]byte("1"), []byte{}, true, ""},
		{nil, []byte("4"), false, ""},
		{[]byte{}, []byte("5"), true, "5"},
	} {
		swapped, err := s.Swap(t.Context(), "k", c.old, c.value, time.Minute)
		must(t, err)
		if got, _ := recall(t, s, "k"); swapped != c.swapped || got != c.now {
			t.Errorf("swap %d: %t and %q, want %t and %q", i, swapped, got, c.swapped, c.now)
		}
	}
	s.clock.pass(time.Minute) // expired is none
	swapped, err := s.Swap(t.Context(), "k", []byte("5"), []byte("6"), time.Minute)
	must(t, err)
	again, err := s.Swap(t.Context(), "k", nil, []byte("7"), time.Minute)
	must(t, err)
	if swapped || !again {
		t.Errorf("of the expired value %t, of none %t; want false and true", swapped, again)
	}
}

func memorySwapAtOnce(s bench) {
	t := s.t
	const times = 20
	errs := make([]error, times)
	inParallel(times, func(i int) {
		errs[i] = func() error {
			for {
				old, _, err := s.Recall(t.Context(), "k")
				if err != nil {
					return err
				}
				if swapped, err := s.Swap(t.Context(), "k", old, append(bytes.Clone(old), 'x'), time.Hour); err != nil || swapped {
					return err
				}
			}
		}()
	})
	must(t, errors.Join(errs...))
	if got, _ := recall(t, s, "k"); got != strings.Repeat("x", times) {
		t.Errorf("got %q, want %d of x", got, times)
	}
}

func memoryBounds(s bench) {
	t := s.t
	long, large := strings.Repeat("k", 511), bytes.Repeat([]byte("v"), 64<<10-1)
	must(t, s.Remember(t.Context(), long, large, time.Hour))
	if got, _ := recall(t, s, long); got != string(large) {
		t.Errorf("%d bytes came back, want %d", len(got), len(large))
	}
	for _, c := range []struct {
		key   string
		value []byte
	}{{"", nil}, {long + "k", nil}, {"k", append(large, 'v')}} {
		want(t, s.Remember(t.Context(), c.key, c.value, time.Hour), ohfp.ErrInvalid)
		swapped, err := s.Swap(t.Context(), c.key, nil, c.value, time.Hour)
		want(t, err, ohfp.ErrInvalid)
		if swapped {
			t.Error(fmt.Sprintf("%.20q", c.key), "was swapped")
		}
	}
}
