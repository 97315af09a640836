package awssim

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWildcard(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"?", "", false},
		{"?", "ü", true},
		{"a*b*c", "a--b--b-c", true},
		{"a*b*c", "a--c--b", false},
		{"*.large", "m5.large", true},
		{"*.large", "m5.xlarge", false},
		{`\*`, "*", true},
		{`\*`, "x", false},
		{`\?\\`, `?\`, true},
		{`a\`, `a\`, true},
		{"**", "anything", true},
		{"a", "A", false},
		{"", "", true},
		{"", "a", false},
		{"*a", "aaaa", true},
	} {
		if got := matcher([]string{test.pattern})(test.text); got != test.want {
			t.Errorf("pattern %q and text %q: %t, want %t", test.pattern, test.text, got, test.want)
		}
	}
}

func FuzzWildcard(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add(`\*\\?`, `*\x`)
	f.Add("*********", "")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !slices.Equal([]rune(text), []rune(strings.ToValidUTF8(text, "\ufffd"))) || strings.ContainsRune(pattern, 0xfffd) {
			return
		}
		var expression strings.Builder
		expression.WriteString(`(?s)\A`)
		for _, token := range wildcardTokens(pattern) {
			switch token {
			case anyText:
				expression.WriteString(".*")
			case anyRune:
				expression.WriteString(".")
			default:
				expression.WriteString(regexp.QuoteMeta(string(token)))
			}
		}
		compiled, err := regexp.Compile(expression.String() + `\z`)
		if err != nil {
			return
		}
		if got, want := wildcard(pattern, text), compiled.MatchString(text); got != want {
			t.Fatalf("pattern %q and text %q: %t, want %t", pattern, text, got, want)
		}
	})
}

// TestFiltersFindWhatIsThere asks every filter of every collection for anything: what has the property is found.
func TestFiltersFindWhatIsThere(t *testing.T) {
	t.Parallel()
	c, err := New(Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := c.now()
	spec := LaunchSpec{ImageID: "ami-0123456789abcdef0", InstanceType: "m5.large", Market: &MarketOptions{Type: Spot}, NetworkInterfaces: []NetworkInterface{
		{DeviceIndex: new(int), PublicIP: &[]bool{true}[0]},
	}}
	s, err := c.site(spec, "")
	if err != nil {
		t.Fatal(err)
	}
	i := c.launch(&call{now: now, entry: &Call{}}, s, 1, nil, 1)[0]
	findsIn(t, "instances", c.instanceFields(now.Add(time.Second)), i)
	findsIn(t, "subnets", subnetFields(), c.subnets[0])
	findsIn(t, "images", imageFields(), s.image)
	findsIn(t, "instance types", instanceTypeFields(), s.instanceType)
	version := &templateVersion{template: &launchTemplate{}, spec: spec}
	findsIn(t, "launch template versions", templateVersionFields(), version)
	one := 1
	findsIn(t, "fleets", fleetFields(now), &fleet{input: &createFleetInput{Type: "instant", Target: &targetCapacity{Total: &one}}})
	findsIn(t, "tags", tagFields(), taggedWith{&i.resource, Tag{"k", "v"}})
}

func findsIn[T any](t *testing.T, collection string, known fields[T], item T) {
	t.Helper()
	for name := range known {
		match, err := compile([]filter{{Name: name, Values: []string{"*"}}}, known, nil)
		if err != nil || !match(item) {
			t.Errorf("%s: filter %s with * does not find the item (error %v)", collection, name, err)
		}
		match, err = compile([]filter{{Name: name, Values: []string{"something else"}}}, known, nil)
		if err != nil || match(item) {
			t.Errorf("%s: filter %s with another value finds the item (error %v)", collection, name, err)
		}
	}
}
