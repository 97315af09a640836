package catalog

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]MachineType{
		"t3.medium":   {Name: "t3.medium", VCPUs: 2, Cores: 1, MemoryMiB: 4096, Arch: "x86_64"},
		"m5.xlarge":   {Name: "m5.xlarge", VCPUs: 4, Cores: 2, MemoryMiB: 16384, Arch: "x86_64"},
		"m6g.large":   {Name: "m6g.large", VCPUs: 2, Cores: 2, MemoryMiB: 8192, Arch: "arm64"},
		"t2.micro":    {Name: "t2.micro", VCPUs: 1, Cores: 1, MemoryMiB: 1024, Arch: "x86_64"},
		"c5.18xlarge": {Name: "c5.18xlarge", VCPUs: 72, Cores: 36, MemoryMiB: 147456, Arch: "x86_64"},
	} {
		if got, err := Lookup(name); err != nil || got != want {
			t.Errorf("%s is %+v, error %v; want %+v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "m5", "m5.xlarg", "m5.xlarge ", "zzz.large", "#", "a", "m5.xlarge 4"} {
		if got, err := Lookup(name); !errors.Is(err, ohfp.ErrNotFound) || !strings.Contains(err.Error(), name) {
			t.Errorf("%q is %+v, error %v; want one that names it", name, got, err)
		}
	}
}

// TestTable finds every line of the table by its name, which fails when the generator has not sorted it.
func TestTable(t *testing.T) {
	t.Parallel()
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(table), "\n"), func(line string) bool { return strings.HasPrefix(line, "#") })
	if len(lines) < 1000 {
		t.Errorf("the table has %d types", len(lines))
	}
	for _, line := range lines {
		name, _, _ := strings.Cut(line, " ")
		m, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if m.Name != name || m.VCPUs < 1 || m.Cores < 1 || m.Cores > m.VCPUs || m.MemoryMiB < 1 || m.Arch == "" {
			t.Errorf("%s is %+v", name, m)
		}
	}
	if !strings.Contains(Source(), "DescribeInstanceTypes") || !strings.Contains(Source(), "Source: ") {
		t.Errorf("the table names no source: %q", Source())
	}
}

func FuzzLookup(f *testing.F) {
	f.Add("m5.large")
	f.Add("\n")
	f.Fuzz(func(t *testing.T, name string) {
		if m, err := Lookup(name); err == nil && m.Name != name {
			t.Errorf("%q found %q", name, m.Name)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		if _, err := Lookup("r6i.32xlarge"); err != nil {
			b.Fatal(err)
		}
	}
}
