package version

import (
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	revision = "abc1234def5678abc1234def5678abc1234def56"
	tagged   = "2026-11-23T10:00:00Z"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	vcs := func(version, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{
			Main: debug.Module{Version: version},
			Settings: []debug.BuildSetting{
				{Key: "vcs", Value: "git"},
				{Key: "vcs.revision", Value: revision},
				{Key: "vcs.time", Value: tagged},
				{Key: "vcs.modified", Value: modified},
			},
		}
	}
	module := func(version string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}}
	}
	tests := []struct {
		name                  string
		version, commit, date string
		build                 *debug.BuildInfo
		want                  Info
		line                  string
	}{
		{
			name: "nothing known",
			want: Info{Version: "dev"},
			line: "ohfp dev",
		},
		{
			name:  "go build without version control",
			build: module("(devel)"),
			want:  Info{Version: "dev"},
			line:  "ohfp dev",
		},
		{
			name:    "make build on a tag",
			version: "v0.1.0", commit: revision, date: tagged,
			build: module("(devel)"),
			want:  Info{Version: "0.1.0", Commit: revision, Date: tagged},
			line:  "ohfp 0.1.0 (commit abc1234, 2026-11-23T10:00:00Z)",
		},
		{
			name:    "make build with local changes",
			version: "v0.1.0-3-gabc1234", commit: revision + "-dirty", date: tagged,
			want: Info{Version: "0.1.0-3-gabc1234", Commit: revision, Date: tagged, Modified: true},
			line: "ohfp 0.1.0-3-gabc1234 (commit abc1234 with local changes, 2026-11-23T10:00:00Z)",
		},
		{
			name:    "the linker wins over the toolchain",
			version: "v0.2.0", commit: "0123456789", date: "2026-12-01T00:00:00Z",
			build: vcs("v0.1.0", "true"),
			want:  Info{Version: "0.2.0", Commit: "0123456789", Date: "2026-12-01T00:00:00Z"},
			line:  "ohfp 0.2.0 (commit 0123456, 2026-12-01T00:00:00Z)",
		},
		{
			name:    "only a version linked",
			version: "0.2.0",
			build:   vcs("(devel)", "false"),
			want:    Info{Version: "0.2.0", Commit: revision, Date: tagged},
			line:    "ohfp 0.2.0 (commit abc1234, 2026-11-23T10:00:00Z)",
		},
		{
			name:  "go build on a tag",
			build: vcs("v0.1.0", "false"),
			want:  Info{Version: "0.1.0", Commit: revision, Date: tagged},
			line:  "ohfp 0.1.0 (commit abc1234, 2026-11-23T10:00:00Z)",
		},
		{
			name:  "go build before the first tag, with local changes",
			build: vcs("v0.0.0-20261123100000-abc1234def56+dirty", "true"),
			want:  Info{Version: "dev", Commit: revision, Date: tagged, Modified: true},
			line:  "ohfp dev (commit abc1234 with local changes, 2026-11-23T10:00:00Z)",
		},
		{
			name:  "go install of a tag",
			build: module("v0.1.0"),
			want:  Info{Version: "0.1.0"},
			line:  "ohfp 0.1.0",
		},
		{
			name:  "go install of a pre-release",
			build: module("v0.2.0-beta.1"),
			want:  Info{Version: "0.2.0-beta.1"},
			line:  "ohfp 0.2.0-beta.1",
		},
		{
			name:  "go install of a branch before the first tag",
			build: module("v0.0.0-20261123100000-abc1234def56"),
			want:  Info{Version: "dev", Commit: "abc1234def56", Date: tagged},
			line:  "ohfp dev (commit abc1234, 2026-11-23T10:00:00Z)",
		},
		{
			name:  "go install of a branch after a tag",
			build: module("v0.1.1-0.20261123100000-abc1234def56"),
			want:  Info{Version: "0.1.1-0.20261123100000-abc1234def56", Commit: "abc1234def56", Date: tagged},
			line:  "ohfp 0.1.1-0.20261123100000-abc1234def56 (commit abc1234, 2026-11-23T10:00:00Z)",
		},
		{
			name:  "go install of a branch after a pre-release",
			build: module("v0.2.0-beta.1.0.20261123100000-abc1234def56"),
			want:  Info{Version: "0.2.0-beta.1.0.20261123100000-abc1234def56", Commit: "abc1234def56", Date: tagged},
			line:  "ohfp 0.2.0-beta.1.0.20261123100000-abc1234def56 (commit abc1234, 2026-11-23T10:00:00Z)",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := resolve(tt.version, tt.commit, tt.date, tt.build)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("resolve (-want +got):\n%s", diff)
			}
			if got.String() != tt.line {
				t.Errorf("String() = %q, want %q", got, tt.line)
			}
		})
	}
}

func TestCurrentAlwaysHasAVersion(t *testing.T) {
	t.Parallel()
	if got := Current(); got.Version == "" {
		t.Errorf("Current() = %+v, want a version", got)
	}
}

func FuzzFromModuleVersion(f *testing.F) {
	for _, seed := range []string{"", "(devel)", "v1.2.3", "v0.0.0-20261123100000-abc1234def56", "v0.0.0-99999999999999-abc1234def56+dirty"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, version string) {
		info := fromModuleVersion(version)
		if info.Commit != "" && len(info.Commit) != 12 {
			t.Errorf("fromModuleVersion(%q).Commit = %q, want 12 digits or none", version, info.Commit)
		}
		_ = info.String()
	})
}
