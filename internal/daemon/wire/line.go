package wire

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
)

const (
	// magic begins every line.
	magic = "ohfp/"
	// maxLine bounds a line. The longest holds three paths, of 4,096 bytes at most on Linux, quoted.
	maxLine = 128 << 10
	// buffered is what a reader takes at once: every line but those with very long paths, and mostly what follows one.
	buffered = 8 << 10
	// claimed is how much memory a length that is only claimed may cost.
	claimed = 1 << 20
	// joined is up to where what follows a line is copied behind it, so that the other side mostly reads both at once. Beyond, the
	// copy would cost more than another system call.
	joined = 64 << 10
)

// line is a line as it is written. It has no reflection and no JSON behind it because both cost a program that starts for
// every call more than all of its work.
type line []byte

func newLine() line { return strconv.AppendInt(append(make(line, 0, buffered), magic...), Version, 10) }

// text adds a field, unless it is empty.
func (l line) text(key, value string) line {
	if value == "" {
		return l
	}
	const digits = "0123456789abcdef"
	l = append(append(append(l, ' '), key...), '=')
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c == '%' || c == 0x7f {
			l = append(l, '%', digits[c>>4], digits[c&0xf])
		} else {
			l = append(l, c)
		}
	}
	return l
}

func (l line) number(key string, value int) line {
	return strconv.AppendInt(append(append(append(l, ' '), key...), '='), int64(value), 10)
}

// packet is a line with what follows it, in the pieces in which it is written.
type packet struct{ first, rest []byte }

// with ends a line and puts what follows it behind it.
func (l line) with(errs, data []byte) (packet, error) {
	if len(l) >= maxLine {
		return packet{}, errors.New("a line of " + strconv.Itoa(len(l)) + " bytes is too long; " + strconv.Itoa(maxLine) + " are taken")
	}
	l = append(append(l, '\n'), errs...)
	n := min(len(data), joined)
	return packet{first: append(l, data[:n]...), rest: data[n:]}, nil
}

func (p packet) write(to io.Writer) error {
	_, err := to.Write(p.first)
	if err == nil && len(p.rest) > 0 {
		_, err = to.Write(p.rest)
	}
	return err
}

// fields are those of a line that was read, and the version in which it was written.
type fields struct {
	version int
	values  map[string]string
	err     error // the first field that was not as expected
}

// text takes a field, which may be missing.
func (f *fields) text(key string) string { return f.values[key] }

// number takes a field, 0 where it is missing.
func (f *fields) number(key string) int {
	value, ok := f.values[key]
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(value)
	if err != nil && f.err == nil {
		f.err = errors.New("a line is not as expected: " + key + " is " + excerpt(value) + ", not a number")
	}
	return n
}

// readFields reads a line.
func readFields(from *bufio.Reader) (fields, error) {
	text, err := readLine(from)
	if err != nil {
		return fields{}, err
	}
	return parse(text)
}

func readLine(from *bufio.Reader) (string, error) {
	var long []byte
	for {
		part, err := from.ReadSlice('\n')
		switch {
		case len(long)+len(part) > maxLine:
			return "", errors.New("a line is longer than " + strconv.Itoa(maxLine) + " bytes")
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, part...)
			continue
		case errors.Is(err, io.EOF) && len(long)+len(part) > 0:
			return "", io.ErrUnexpectedEOF
		case err != nil:
			return "", err
		}
		part = part[:len(part)-1]
		if long == nil {
			return string(part), nil
		}
		return string(append(long, part...)), nil
	}
}

func parse(text string) (fields, error) {
	name, rest, _ := strings.Cut(text, " ")
	version, ours := strings.CutPrefix(name, magic)
	number, err := strconv.Atoi(version)
	if !ours || err != nil {
		return fields{}, errors.New("a line is not as expected: it begins " + excerpt(text) + ", not " + magic + strconv.Itoa(Version))
	}
	f := fields{version: number, values: make(map[string]string, 8)}
	for rest != "" {
		var field string
		field, rest, _ = strings.Cut(rest, " ")
		key, value, found := strings.Cut(field, "=")
		if found {
			value, found = unquote(value)
		}
		if _, twice := f.values[key]; !found || twice {
			return fields{}, errors.New("a line is not as expected: it says " + excerpt(field) + ", not key=value, once for each key")
		}
		f.values[key] = value
	}
	return f, nil
}

// unquote undoes what line.text does to a value.
func unquote(value string) (text string, ok bool) {
	plain, rest, quoted := strings.Cut(value, "%")
	if !quoted {
		return value, true
	}
	decoded := append(make([]byte, 0, len(value)), plain...)
	for quoted {
		if len(rest) < 2 {
			return "", false
		}
		c, err := strconv.ParseUint(rest[:2], 16, 8)
		if err != nil {
			return "", false
		}
		plain, rest, quoted = strings.Cut(rest[2:], "%")
		decoded = append(append(decoded, byte(c)), plain...)
	}
	return string(decoded), true
}

// excerpt is enough of a text to know what it is.
func excerpt(text string) string { return strconv.Quote(text[:min(len(text), 40)]) }

// readBytes reads what follows a line.
func readBytes(from io.Reader, n int) ([]byte, error) {
	data := make([]byte, 0, min(n, claimed))
	for len(data) < n {
		if len(data) == cap(data) {
			more := make([]byte, len(data), min(n, 2*len(data)))
			copy(more, data)
			data = more
		}
		read, err := io.ReadFull(from, data[len(data):cap(data)])
		data = data[:len(data)+read]
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return data, err
		}
	}
	return data, nil
}
