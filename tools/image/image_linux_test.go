package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"golang.org/x/sys/unix"
)

const (
	sizeLimit = 60 << 20 // bytes of the image's files
	patience  = time.Minute
)

// TestImage starts the image's program as an engine would: in the image's files, read-only but for the volume, under the
// image's user and environment, in a network of its own, and runs the health check that the image asks for.
func TestImage(t *testing.T) {
	archive := os.Getenv("OHFP_IMAGE")
	if archive == "" {
		t.Skip("OHFP_IMAGE names no image; make test-image does")
	}
	if os.Geteuid() != 0 {
		skip(t, "needs root, to enter the image's files")
	}
	dir := t.TempDir()
	image := open(t, archive, dir)
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if user := config.Config.User; user != "10001:10001" {
		t.Fatalf("user %q", user)
	}
	for _, label := range []string{"title", "source", "licenses", "version", "revision", "created"} {
		if config.Config.Labels["org.opencontainers.image."+label] == "" {
			t.Errorf("no label %s", label)
		}
	}
	root := filepath.Join(dir, "root")
	size := extract(t, image, root)
	t.Logf("%.1f MB of files", float64(size)/(1<<20))
	if size > sizeLimit {
		t.Errorf("the image has %d bytes of files, more than %d", size, sizeLimit)
	}
	if _, err := os.Stat(filepath.Join(root, "bin")); err == nil {
		t.Error("there is a /bin: what is in it?")
	}

	simulated, err := filepath.Abs("../../deploy/docker/simulated")
	must(t, err)
	inside := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInsideImage$", "-test.v")
	settings, err := json.Marshal(config.Config)
	if err != nil {
		t.Fatal(err)
	}
	inside.Env = append(os.Environ(), "OHFP_IMAGE_ROOT="+root, "OHFP_IMAGE_CONFIG="+string(settings), "OHFP_IMAGE_SIMULATED="+simulated)
	inside.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET}
	out, err := inside.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		skip(t, "this machine allows no namespaces")
	}
	if err != nil || bytes.Contains(out, []byte("--- SKIP")) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// TestInsideImage is the part of TestImage that runs in namespaces of its own.
func TestInsideImage(t *testing.T) {
	root := os.Getenv("OHFP_IMAGE_ROOT")
	if root == "" {
		t.Skip("TestImage starts it")
	}
	var config v1.Config
	if err := json.Unmarshal([]byte(os.Getenv("OHFP_IMAGE_CONFIG")), &config); err != nil {
		t.Fatal(err)
	}
	loopbackUp(t)
	volume := filepath.Join(root, "var/lib/ohfp")
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(t, unix.Mount(root, root, "", unix.MS_BIND, ""))
	must(t, unix.Mount(volume, volume, "", unix.MS_BIND, ""))
	must(t, unix.Mount("", root, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	if err := os.WriteFile(filepath.Join(root, "etc/ohfp/x"), nil, 0o600); !errors.Is(err, syscall.EROFS) {
		t.Fatalf("the root can be written: %v", err)
	}

	inside := container{root: root, config: config}
	stop := inside.start(t)
	if status, body := get(t, "http://localhost:8000/health", ""); status != http.StatusOK {
		t.Errorf("/health answers %d: %s", status, body)
	}
	if status, body := get(t, "http://localhost:8000/api/v1/requests", ""); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d: %s", status, body)
	}
	token := inside.token(t)
	if status, body := get(t, "http://localhost:8000/api/v1/requests", token); status != http.StatusOK {
		t.Errorf("with the token: %d: %s", status, body)
	}
	stop()
	if out, err := inside.command(t, config.Healthcheck.Test[1:]...).CombinedOutput(); err == nil {
		t.Errorf("the health check passes when nothing runs: %s", out)
	}

	// As docker-compose --env-file deploy/docker/simulated.env has it: a simulated AWS from the same image, and its templates.
	must(t, unix.Mount(os.Getenv("OHFP_IMAGE_SIMULATED"), filepath.Join(root, "etc/ohfp"), "", unix.MS_BIND, ""))
	simulator := inside.command(t, "/usr/bin/ohfp", "simulator", "serve", "--host", "0.0.0.0", "--port", "5050")
	must(t, simulator.Start())
	defer func() { _ = simulator.Process.Kill(); _ = simulator.Wait() }()
	inside.config.Env = append(inside.config.Env, "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL=http://127.0.0.1:5050",
		"AWS_ACCESS_KEY_ID=simulator", "AWS_SECRET_ACCESS_KEY=simulator")
	defer inside.start(t)()
	out, err := inside.command(t, "/usr/bin/ohfp", "requests", "create", "--template-id", "EC2FleetInstant", "--count", "3", "--wait").CombinedOutput()
	if err != nil || strings.Count(string(out), `"machineId"`) != 3 {
		t.Errorf("a request on the simulated AWS: %v\n%s", err, out)
	}
}

// container starts programs as an engine would.
type container struct {
	root   string
	config v1.Config
}

func (c container) command(t *testing.T, words ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Dir, cmd.Env = c.config.WorkingDir, c.config.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: &syscall.Credential{Uid: 10001, Gid: 10001}}
	return cmd
}

// start starts what the image starts, waits until its health check passes, and returns what stops it.
func (c container) start(t *testing.T) (stop func()) {
	t.Helper()
	var log bytes.Buffer
	served := c.command(t, append(c.config.Entrypoint, c.config.Cmd...)...)
	served.Stdout, served.Stderr = &log, &log
	must(t, served.Start())
	ended := make(chan error, 1)
	go func() { ended <- served.Wait() }()
	for until := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		out, err := c.command(t, c.config.Healthcheck.Test[1:]...).CombinedOutput()
		if err == nil {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("the program ended: %v\n%s", err, log.String())
		default:
		}
		if time.Now().After(until) {
			t.Fatalf("the health check does not pass: %v\n%s", err, out)
		}
	}
	return func() {
		must(t, served.Process.Signal(syscall.SIGTERM)) // what STOPSIGNAL says
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("it ended with %v\n%s", err, log.String())
			}
		case <-time.After(patience):
			t.Error("it does not stop")
			_ = served.Process.Kill()
		}
	}
}

// token is what the first start off loopback leaves.
func (c container) token(t *testing.T) string {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(c.root, "var/lib/ohfp/first-admin.token"))
	must(t, err)
	return strings.TrimSpace(string(token))
}

func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(body)
}

// loopbackUp is what an engine does for a new network.
func loopbackUp(t *testing.T) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(socket)
	loopback, err := unix.NewIfreq("lo")
	must(t, err)
	must(t, unix.IoctlIfreq(socket, unix.SIOCGIFFLAGS, loopback))
	loopback.SetUint16(loopback.Uint16() | unix.IFF_UP)
	must(t, unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, loopback))
}

// open unpacks the archive and opens its image for this machine.
func open(t *testing.T, archive, dir string) v1.Image {
	t.Helper()
	file, err := os.Open(archive)
	must(t, err)
	defer file.Close()
	unpack(t, tar.NewReader(file), filepath.Join(dir, "layout"))
	index, err := layout.ImageIndexFromPath(filepath.Join(dir, "layout"))
	must(t, err)
	manifest, err := index.IndexManifest()
	must(t, err)
	if len(manifest.Manifests) == 1 && manifest.Manifests[0].MediaType.IsIndex() { // of several platforms
		index, err = index.ImageIndex(manifest.Manifests[0].Digest)
		must(t, err)
		manifest, err = index.IndexManifest()
		must(t, err)
	}
	for _, m := range manifest.Manifests {
		if m.Platform != nil && m.Platform.OS == "linux" && m.Platform.Architecture == runtime.GOARCH {
			image, err := index.Image(m.Digest)
			must(t, err)
			return image
		}
	}
	t.Fatalf("no image for linux/%s in %+v", runtime.GOARCH, manifest.Manifests)
	return nil
}

// extract lays the layers out below root, with the owners that they say, and counts bytes.
func extract(t *testing.T, image v1.Image, root string) (size int64) {
	t.Helper()
	layers, err := image.Layers()
	must(t, err)
	for _, layer := range layers {
		content, err := layer.Uncompressed()
		must(t, err)
		size += unpack(t, tar.NewReader(content), root)
		must(t, content.Close())
	}
	return size
}

func unpack(t *testing.T, in *tar.Reader, root string) (size int64) {
	t.Helper()
	must(t, os.MkdirAll(root, 0o755))
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return size
		}
		must(t, err)
		path := filepath.Join(root, filepath.Clean("/"+header.Name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if header.Typeflag == tar.TypeDir {
			must(t, os.MkdirAll(path, header.FileInfo().Mode().Perm()))
		} else {
			file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, header.FileInfo().Mode().Perm())
			must(t, err)
			n, err := io.Copy(file, in)
			must(t, errors.Join(err, file.Close()))
			size += n
		}
		if os.Geteuid() == 0 {
			must(t, os.Chown(path, header.Uid, header.Gid))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// skip leaves a test out where that is allowed.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("OHFP_TEST_DISALLOW_SKIP") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}
