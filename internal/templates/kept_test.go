package templates

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openhostfactory/ohfp"
)

// TestEditShowsAtOnce: a catalog that has looked before finds what one finds that looks for the first time, however
// quickly a file is edited, and although size and time stamp tell nothing.
func TestEditShowsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := filepath.Join(s.ConfDir, "templates.json")
	stamp := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, content := range []string{
		`[{"templateId": "a", "maxNumber": 1}]`,
		`[{"templateId": "a", "maxNumber": 2}]`,
		`[{"templateId": "b", "maxNumber": 2}]`,
		`[{"templateId": "a", "maxNumber": 3]}`, // broken
		`[{"templateId": "a", "maxnumb": 3  }]`, // without a maxNumber
		`[{"templateId": "a", "maxNumber": 3}]`,
		`[{"templateId": "a", "maxNumber": 3}]`,
	} {
		s.write("templates.json", content)
		if err := os.Chtimes(path, stamp, stamp); err != nil {
			t.Fatal(err)
		}
		fresh := site{&Catalog{ConfDir: s.ConfDir}, t}
		for _, id := range []ohfp.TemplateID{"a", "b"} {
			kept := site{&Catalog{ConfDir: s.ConfDir, kept: kept{files: s.kept.files}}, t} // without a memory of what was listed
			got, err := kept.Template(t.Context(), id)
			want, wanted := fresh.Template(t.Context(), id)
			if diff := cmp.Diff(want, got); diff != "" || !equalTexts(err, wanted) {
				t.Errorf("after %s: Template(%s): %v, want %v (-want +got):\n%s", content, id, err, wanted, diff)
			}
		}
		got, err := s.List(t.Context())
		want, wanted := (&Catalog{ConfDir: s.ConfDir, WorkDir: s.WorkDir}).List(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || !equalTexts(err, wanted) {
			t.Errorf("after %s: List: %v, want %v (-want +got):\n%s", content, err, wanted, diff)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := s.InFile("a"); got != "" {
		t.Errorf("a is in %s, which is gone", got)
	}
}

func equalTexts(a, b error) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error())
}

// TestWhatIsReturnedIsTheCallers: callers who write over all that they get, at once, disturb nobody.
func TestWhatIsReturnedIsTheCallers(t *testing.T) {
	t.Parallel()
	s := manyTemplates(t)
	s.Defaults.Types = map[string]Fields{"": {"timeout": []byte(`"5m"`), "attributes": []byte(`{"rank": 1}`)}}
	want := s.list().Templates
	written, _, err := s.Written(t.Context(), "t3")
	if err != nil {
		t.Fatal(err)
	}
	spoil := func(t ohfp.Template) {
		clear(t.Spec)
		_ = append(t.Spec, "and more"...)
		clear(t.Attributes)
		t.Attributes["rank"] = ohfp.Numeric(7)
	}
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 20 {
				one, err := s.Template(t.Context(), "t3")
				if diff := cmp.Diff(want[3], one); err != nil || diff != "" {
					t.Errorf("Template: %v (-first +now):\n%s", err, diff)
				}
				spoil(one)
				all, err := s.List(t.Context())
				if diff := cmp.Diff(want, all.Templates); err != nil || diff != "" {
					t.Errorf("List: %v (-first +now):\n%s", err, diff)
				}
				for _, listed := range all.Templates {
					spoil(listed)
				}
				own, _, err := s.Written(t.Context(), "t3")
				if diff := cmp.Diff(written, own, cmpopts.IgnoreUnexported(Written{})); err != nil || diff != "" {
					t.Errorf("Written: %v (-first +now):\n%s", err, diff)
				}
				for _, one := range own {
					spoil(one.Template)
				}
			}
		})
	}
	callers.Wait()
}
