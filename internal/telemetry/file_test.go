package telemetry

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// writerVariable makes the test binary a process that writes the log file it names.
const writerVariable = "OHFP_TEST_LOG_WRITER"

func TestMain(m *testing.M) {
	if name := os.Getenv(writerVariable); name != "" {
		writeLines(os.Getenv("OHFP_TEST_LOG_FILE"), name)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	writers     = 8
	linesOfEach = 400
	lineLength  = 100
	fileSize    = 8 << 10 // a rotation every 80 lines
	manyFiles   = 10_000
)

func line(writer string, n int) string {
	text := fmt.Sprintf("%s %d ", writer, n)
	return text + strings.Repeat("x", lineLength-len(text)-1) + "\n"
}

func writeLines(path, writer string) {
	file := &File{Path: path, MaxBytes: fileSize, Keep: manyFiles, Fallback: os.Stderr}
	for n := range linesOfEach {
		// Write never fails; a line that misses is what the test looks for.
		_, _ = file.Write([]byte(line(writer, n)))
	}
	if err := file.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func TestManyProcesses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ohfp.log")
	var processes sync.WaitGroup
	for i := range writers {
		processes.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), writerVariable+"=w"+strconv.Itoa(i), "OHFP_TEST_LOG_FILE="+path)
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("writer %d: %v, %s", i, err, out)
			}
		})
	}
	processes.Wait()

	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, file := range files {
		text := read(t, file)
		if most := fileSize + writers*lineLength; len(text) > most {
			t.Errorf("%s has %d bytes, want at most %d", file, len(text), most)
		}
		for l := range strings.Lines(text) {
			seen[l]++
		}
	}
	for i := range writers {
		for n := range linesOfEach {
			want := line("w"+strconv.Itoa(i), n)
			if seen[want] != 1 {
				t.Fatalf("line %d of writer %d is there %d times", n, i, seen[want])
			}
			delete(seen, want)
		}
	}
	if len(seen) > 0 {
		t.Errorf("%d torn lines", len(seen))
	}
	if least := writers * linesOfEach * lineLength / (fileSize + writers*lineLength); len(files) < least {
		t.Errorf("%d files, want %d or more", len(files), least)
	}
}

func TestRotateKeepsTheYoungest(t *testing.T) {
	t.Parallel()
	for keep, want := range [][]string{{"5"}, {"5", "4"}, {"5", "4", "3"}} {
		dir := t.TempDir()
		file := &File{Path: filepath.Join(dir, "a.log"), MaxBytes: 10, Keep: keep}
		for n := range 6 {
			if _, err := file.Write([]byte(strconv.Itoa(n) + strings.Repeat(".", 8) + "\n")); err != nil {
				t.Fatal(err)
			}
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range []string{"a.log", "a.log.1", "a.log.2", "a.log.3"} {
			if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				got = append(got, string(text[:1]))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("keeping %d: files begin with %v, want %v", keep, got, want)
		}
	}
}

func TestFollowsWhoPutsTheFileAside(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.log")
	file := &File{Path: path}
	defer file.Close()
	for i, text := range []string{"one\n", "two\n"} {
		if _, err := file.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != text {
			t.Errorf("log = %q, want %q", got, text)
		}
		if err := os.Rename(path, path+strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLongLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.log")
	file := &File{Path: path, MaxBytes: 10, Keep: 1}
	defer file.Close()
	long := strings.Repeat("y", 100) + "\n"
	for _, text := range []string{"one\n", long, "two\n"} {
		if _, err := file.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, path) + read(t, path+".1"); got != "two\n"+long {
		t.Errorf("files = %q, want the last line in a file of its own", got)
	}
}

func BenchmarkWrite(b *testing.B) {
	file := &File{Path: filepath.Join(b.TempDir(), "a.log"), MaxBytes: 1 << 20, Keep: 1}
	defer file.Close()
	text := []byte(line("w", 1))
	for b.Loop() {
		if _, err := file.Write(text); err != nil {
			b.Fatal(err)
		}
	}
}
