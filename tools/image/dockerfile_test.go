package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func build(t *testing.T, dockerfile string, arguments map[string]string) (*state, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "files-amd64", "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "files-amd64", "a"), []byte("a"), 0o644); err != nil {
		t.Fatal(err)
	}
	steps, err := parse(dockerfile)
	if err != nil {
		return nil, err
	}
	b := builder{Context: dir, Steps: steps, Arguments: arguments, Made: time.Unix(0, 0)}
	globals, byName := stages(steps)
	values := map[string]string{}
	for _, s := range globals {
		b.argument(s, values)
	}
	i := &state{builder: b, stages: byName, globals: values}
	i.config.OS, i.config.Architecture = "linux", "amd64"
	return i, i.stage("")
}

func TestInstructions(t *testing.T) {
	i, err := build(t, `# comment
ARG ROOT=nothing
ARG VERSION=dev
FROM scratch AS some
ARG TARGETARCH
COPY --chown=7:8 files-${TARGETARCH} /opt/files
FROM ${ROOT}
ARG VERSION
LABEL one="1 and more" \
      two="${VERSION}"
ENV A=b C=$VERSION
USER 7:8
WORKDIR /opt/
VOLUME ["/opt"]
EXPOSE 80
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s CMD ["/a", "b"]
ENTRYPOINT ["/a"]
CMD ["c"]
`, map[string]string{"ROOT": "some", "VERSION": "v1"})
	if err != nil {
		t.Fatal(err)
	}
	c := i.config.Config
	if c.Labels["one"] != "1 and more" || c.Labels["two"] != "v1" || !slices.Equal(c.Env, []string{"A=b", "C=v1"}) || c.User != "7:8" ||
		c.WorkingDir != "/opt" || !slices.Equal(c.Entrypoint, []string{"/a"}) || !slices.Equal(c.Cmd, []string{"c"}) || c.StopSignal != "SIGTERM" ||
		!slices.Equal(c.Healthcheck.Test, []string{"CMD", "/a", "b"}) || c.Healthcheck.Interval != 30*time.Second || c.Healthcheck.Retries != 3 {
		t.Errorf("%+v, %+v", c, c.Healthcheck)
	}
	if _, ok := c.Volumes["/opt"]; !ok {
		t.Error(c.Volumes)
	}
	if _, ok := c.ExposedPorts["80/tcp"]; !ok {
		t.Error(c.ExposedPorts)
	}
	if len(i.layers) != 1 {
		t.Fatalf("%d layers", len(i.layers))
	}
	content, err := i.layers[0].Layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	files := listing(t, content)
	for name, want := range map[string]string{"opt/files/": "7:8 755", "opt/files/empty/": "7:8 755", "opt/files/a": "7:8 644"} {
		if files[name] != want {
			t.Errorf("%s is %q, want %q", name, files[name], want)
		}
	}
}

func TestWhatNeedsAnEngineIsRefused(t *testing.T) {
	for dockerfile, want := range map[string]string{
		"FROM scratch\nRUN true":                              "line 2: RUN cannot be done without an engine",
		"FROM debian":                                         `no stage "debian"`,
		"FROM scratch\nCMD serve":                             "wants a list in JSON",
		"FROM scratch\nCOPY --from=x /a /b":                   "line 2: COPY",
		"FROM scratch\nCOPY --chown=me files-amd64 /b":        "wants two numbers",
		"FROM scratch\nCOPY none /b":                          "no such file",
		"FROM scratch\nHEALTHCHECK NONE":                      "wants CMD",
		"FROM scratch\nHEALTHCHECK --interval=1 CMD [\"/a\"]": "--interval",
		"FROM scratch\nENV A":                                 "wants NAME=VALUE",
		"FROM scratch\nLABEL a=\"b":                           "does not end",
		"FROM scratch\nENV A=b \\":                            "goes on after the end",
		"# nothing":                                           "no instruction",
	} {
		if _, err := build(t, dockerfile, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", dockerfile, err, want)
		}
	}
}

func TestBothWaysMakeTheSameImage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "docker", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	_, byName := stages(steps)
	copies := func(stage string) (list []string) {
		for _, s := range byName[stage] {
			if s.Name == "COPY" {
				list = append(list, s.flag("chown")+" "+strings.TrimPrefix(s.Rest, "/src/"))
			}
		}
		return list
	}
	if compiled, prebuilt := copies("compiled"), copies("prebuilt"); len(compiled) == 0 || !slices.Equal(compiled, prebuilt) {
		t.Errorf("compiled: %q\nprebuilt: %q", compiled, prebuilt)
	}
}

// listing says of each file of an archive who owns it and who may do what.
func listing(t *testing.T, content io.Reader) map[string]string {
	t.Helper()
	files := map[string]string{}
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = fmt.Sprintf("%d:%d %o", header.Uid, header.Gid, header.Mode)
	}
}
