package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Book is the file in which all processes of a work directory keep what they have counted. Each adds a few lines when it
// ends, in one write; the sum of all lines of a series is its value. So a call costs no read, and no transaction of the
// store. It is not forced to the disk: after a loss of power the counters may begin anew, as Prometheus expects of them.
type Book struct {
	Path string

	write func(file *os.File, content []byte) (int, error) // nil: the file's own
}

// maxBook is the size in bytes at which the lines are added up. Their sum takes some 50 KB.
const maxBook = 512 << 10

// position is the series of how far the events of an installation are counted. Prometheus does not get it.
const position Metric = "position"

// Append adds a tally. When it fails, what the file has got all the same is taken out of t: the rest can be added again.
func (b Book) Append(t Tally) error {
	if len(t) == 0 {
		return nil
	}
	var size int64
	err := b.locked(false, func() error {
		content := lines(t)
		written, now, err := b.append(content)
		if err != nil {
			for series := range parse(content[:written]) {
				delete(t, series)
			}
		}
		size = now
		return err
	})
	if err == nil && size > maxBook {
		err = b.locked(true, b.compact)
	}
	return err
}

// append says how much it has written, and how large the file is with it.
func (b Book) append(content []byte) (written int, size int64, err error) {
	file, err := os.OpenFile(b.Path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	write := b.write
	if write == nil {
		write = (*os.File).Write
	}
	if written, err = write(file, content); err != nil {
		return written, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return written, 0, nil // it is written, and only not known when to add it up
	}
	return written, info.Size(), nil
}

// Read returns the sum. What nobody has counted yet is an empty tally.
func (b Book) Read() (Tally, error) {
	var t Tally
	err := b.locked(false, func() error {
		var err error
		t, err = b.read()
		return err
	})
	return t, err
}

// Advance lets count go on from the position up to which the events of an installation are counted, and keeps what it
// returns with the new one. Of several processes that count the same the first one's is kept. Nobody waits while it is
// counted: that may take as long as the store does.
func (b Book) Advance(installation string, count func(position int64) (Tally, int64, error)) error {
	at := Series{Metric: position, Labels: joined([]string{installation})}
	sums, err := b.Read()
	if err != nil {
		return err
	}
	before := int64(sums[at])
	counted, now, err := count(before)
	if err != nil || now == before {
		return err
	}
	if counted == nil {
		counted = Tally{}
	}
	counted[at] = float64(now - before)
	return b.locked(true, func() error {
		sums, err := b.read()
		if err != nil || int64(sums[at]) != before {
			return err
		}
		return b.whole(lines(counted))
	})
}

// whole adds lines that mean something together only, while nobody else adds any: all of them or none.
func (b Book) whole(content []byte) error {
	var before int64
	switch info, err := os.Stat(b.Path); {
	case err == nil:
		before = info.Size()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	written, _, err := b.append(content)
	if err != nil && written > 0 {
		err = errors.Join(err, os.Truncate(b.Path, before))
	}
	return err
}

func (b Book) read() (Tally, error) {
	content, err := os.ReadFile(b.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return Tally{}, nil
	}
	if err != nil {
		return nil, err
	}
	return parse(content), nil
}

// compact puts one line per series in the place of all.
func (b Book) compact() error {
	t, err := b.read()
	if err != nil {
		return err
	}
	next := b.Path + ".new"
	if err := os.WriteFile(next, lines(t), 0o600); err != nil {
		return err
	}
	return os.Rename(next, b.Path)
}

// locked does something while nobody else does what it excludes. Where files cannot be locked, as on some network file
// systems, lines may get lost while others are added up.
func (b Book) locked(alone bool, do func() error) error {
	lock, err := os.OpenFile(b.Path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("keep what was counted: %w", err)
	}
	defer lock.Close() // ends the lock
	_ = lockFile(lock, alone)
	if err := do(); err != nil {
		return fmt.Errorf("keep what was counted: %w", err)
	}
	return nil
}

// spoiled begins what is added: it makes a line without an end, as a full disk leaves one, a line that is passed over.
const spoiled = separator + "\n"

// lines are a tally as the book has it: metric, part, labels and value, separated by tabs.
func lines(t Tally) []byte {
	out := append(make([]byte, 0, len(t)*80), spoiled...)
	for series, value := range t {
		if !finite(value) {
			continue
		}
		out = append(out, series.Metric...)
		out = append(append(out, separator...), series.Part...)
		out = append(append(out, separator...), series.Labels...)
		out = strconv.AppendFloat(append(out, separator...), value, 'g', -1, 64)
		out = append(out, '\n')
	}
	return out
}

// parse adds lines up. A line that is broken, as a crash may leave one, is passed over.
func parse(content []byte) Tally {
	t := Tally{}
	for line := range bytes.Lines(content) {
		fields := strings.Split(strings.TrimSuffix(string(line), "\n"), separator)
		const least = 4
		if len(fields) < least || !bytes.HasSuffix(line, []byte("\n")) {
			continue
		}
		last := len(fields) - 1
		value, err := strconv.ParseFloat(fields[last], 64)
		if err != nil || !finite(value) {
			continue
		}
		t[Series{Metric: Metric(fields[0]), Part: fields[1], Labels: strings.Join(fields[2:last], separator)}] += value
	}
	return t
}
