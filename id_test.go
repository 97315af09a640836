package ohfp_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
)

func TestNewRequestID(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	pattern := regexp.MustCompile(`^(req|ret)-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, tt := range []struct {
		kind   ohfp.RequestType
		prefix string
	}{{ohfp.TypeAcquire, "req-"}, {ohfp.TypeReturn, "ret-"}} {
		var ids []string
		for i := range 200 {
			id := ohfp.NewRequestID(tt.kind, now.Add(time.Duration(i)*time.Millisecond))
			if !id.WellFormed() || id.Type() != tt.kind || !strings.HasPrefix(string(id), tt.prefix) || !pattern.MatchString(string(id)) {
				t.Fatalf("id %s of a request of type %s is no UUIDv7 with prefix %s", id, tt.kind, tt.prefix)
			}
			ids = append(ids, string(id))
		}
		if !slices.IsSorted(ids) {
			t.Errorf("ids made one millisecond after the other do not sort by time")
		}
	}
	first, second := ohfp.NewRequestID(ohfp.TypeAcquire, now), ohfp.NewRequestID(ohfp.TypeAcquire, now)
	if first == second {
		t.Errorf("two ids made at the same time are the same")
	}
	// The example of RFC 9562, appendix A.6, carries this time.
	id := ohfp.NewRequestID(ohfp.TypeAcquire, time.UnixMilli(0x017F22E279B0))
	if !strings.HasPrefix(string(id), "req-017f22e2-79b0-7") {
		t.Errorf("id %s does not carry its time", id)
	}
}

func TestRequestIDWellFormed(t *testing.T) {
	t.Parallel()
	const uuid = "0190a5e4-7c1b-7def-8abc-0123456789ab"
	for id, want := range map[ohfp.RequestID]bool{
		"req-" + uuid: true,
		"ret-" + uuid: true,
		"req-0190A5E4-7C1B-4DEF-8ABC-0123456789AB": true, // random, in capitals, as other systems write them
		"":                                     false,
		"req-":                                 false,
		uuid:                                   false,
		"rex-" + uuid:                          false,
		"req-" + uuid + "0":                    false,
		"req-" + uuid + "\n":                   false,
		" req-" + uuid:                         false,
		"req-0190a5e47c1b7def8abc0123456789ab": false,
		"req-0190a5e4-7c1b-7def-8abc-0123456789ag": false,
	} {
		if id.WellFormed() != want {
			t.Errorf("id %q: well formed %t, want %t", id, id.WellFormed(), want)
		}
	}
	for id, want := range map[ohfp.RequestID]ohfp.RequestType{
		"ret-" + uuid: ohfp.TypeReturn, "req-" + uuid: ohfp.TypeAcquire, "": ohfp.TypeAcquire, "ret": ohfp.TypeAcquire, "ret-": ohfp.TypeReturn,
	} {
		if id.Type() != want {
			t.Errorf("id %q is of type %s, want %s", id, id.Type(), want)
		}
	}
}

func TestTemplateIDWellFormed(t *testing.T) {
	t.Parallel()
	for id, want := range map[ohfp.TemplateID]bool{
		"a": true, "EC2FleetInstant": true, "a_b-C9": true, ohfp.TemplateID(strings.Repeat("x", 64)): true,
		"": false, "a b": false, "a.b": false, "ä": false, "a\n": false, ohfp.TemplateID(strings.Repeat("x", 65)): false,
	} {
		if id.WellFormed() != want {
			t.Errorf("template id %q: well formed %t, want %t", id, id.WellFormed(), want)
		}
	}
}

func TestNewInstallationID(t *testing.T) {
	t.Parallel()
	one, two := ohfp.NewInstallationID(), ohfp.NewInstallationID()
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(string(one)) || one == two {
		t.Errorf("installation ids %s and %s are not two random ones of 16 digits", one, two)
	}
}

func FuzzRequestID(f *testing.F) {
	for _, id := range []string{"", "req-", "ret-0190a5e4-7c1b-7def-8abc-0123456789ab", "req-0190A5E4-7C1B-4DEF-8ABC-0123456789AB", "ret-\x00"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id := ohfp.RequestID(text)
		if isReturn := strings.HasPrefix(text, "ret-"); (id.Type() == ohfp.TypeReturn) != isReturn {
			t.Errorf("id %q is of type %s", text, id.Type())
		}
		if !id.WellFormed() {
			return
		}
		if len(text) != len("req-")+36 || strings.Trim(text[4:], "0123456789abcdefABCDEF-") != "" {
			t.Errorf("id %q counts as well formed", text)
		}
		if ohfp.TemplateID(text).WellFormed() == (len(text) > 64) {
			t.Errorf("id %q has none but harmless characters", text)
		}
	})
}

func FuzzTemplateID(f *testing.F) {
	for _, id := range []string{"", "a", "EC2FleetInstant", "a b", "ä", strings.Repeat("x", 65)} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, text string) {
		harmless := len(text) >= 1 && len(text) <= 64
		for _, c := range []byte(text) {
			harmless = harmless && (c == '_' || c == '-' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z')
		}
		if got := ohfp.TemplateID(text).WellFormed(); got != harmless {
			t.Errorf("template id %q: well formed %t, want %t", text, got, harmless)
		}
	})
}
