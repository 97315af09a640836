// Package output shows one document in four ways: as JSON, as YAML, as a table for people, and as a list of
// "key: value" blocks. Each way shows the same data.
// It refuses to know what the data means: the caller declares which fields a table has columns for, and fields without a
// column are shown all the same.
package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// Format names a way to show a document.
type Format string

// The formats.
const (
	JSON  Format = "json"
	YAML  Format = "yaml"
	Table Format = "table"
	List  Format = "list"
)

// Formats lists the formats, the default first.
func Formats() []Format { return []Format{JSON, YAML, Table, List} }

// ParseFormat reads the name of a format.
func ParseFormat(name string) (Format, error) {
	names := make([]string, 0, len(Formats()))
	for _, f := range Formats() {
		if name == string(f) {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", ohfp.Errorf(ohfp.ErrInvalid, "format %q does not exist; use one of %s", name, strings.Join(names, ", "))
}

// Layout tells how people see a document. The zero Layout suits a single record.
type Layout struct {
	// Records is the member of the document that lists the records, for example "requests". Empty: the document itself is
	// the only record.
	Records string
	// Columns are the fields that a table has columns for, the most important first: those at the end are folded away
	// first when the screen is narrow. Fields that no column names follow in their own order.
	Columns []Column
	// Within are the layouts of lists inside a record, by member: they become tables of their own.
	Within map[string]Layout
	// Empty is the sentence shown instead of a table or list without records.
	Empty string
}

// Column is a field of a record as people see it.
type Column struct {
	Key     string                             // the field's JSON name
	Heading string                             // over the column, empty: the key
	Number  bool                               // aligned to the right
	State   bool                               // coloured by what the word means
	Text    func(value json.RawMessage) string // how the value reads, nil: as it is
}

// Screen is what is known of where the document will be seen.
type Screen struct {
	Width  int  // columns; 0: as wide as needed
	Colour bool // escape sequences are understood and wanted
}

// Write shows a document: something that encodes as a JSON object. It makes one call to w.Write.
func Write(w io.Writer, format Format, document any, layout Layout, screen Screen) error {
	encoded, err := encode(document)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	var text []byte
	if format == JSON {
		text, err = indent(encoded)
	} else {
		text, err = forPeople(encoded, format, layout, screen)
	}
	if err != nil {
		return fmt.Errorf("write the answer as %s: %w", format, err)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// encode leaves <, > and & alone: nothing here is HTML, and people read it.
func encode(document any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

func indent(encoded []byte) ([]byte, error) {
	var buffer bytes.Buffer
	if err := json.Indent(&buffer, bytes.TrimSpace(encoded), "", "  "); err != nil {
		return nil, err
	}
	buffer.WriteByte('\n')
	return buffer.Bytes(), nil
}

func forPeople(encoded []byte, format Format, layout Layout, screen Screen) ([]byte, error) {
	tree, err := parse(encoded)
	if err != nil {
		return nil, err
	}
	switch format {
	case YAML:
		return writeYAML(tree)
	case Table:
		return writeTable(tree, layout, screen), nil
	case List:
		return writeList(tree, layout), nil
	default:
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "format %q does not exist", format)
	}
}
