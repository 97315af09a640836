package jsonfile

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// encode makes one line. Raw JSON inside keeps its tokens: nothing in it is escaped again.
func encode(value any) ([]byte, error) {
	data, err := encodeWith(value, "")
	return bytes.TrimSuffix(data, []byte("\n")), err
}

// encodeIndented makes a file.
func encodeIndented(value any) ([]byte, error) { return encodeWith(value, "  ") }

func encodeWith(value any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(value); err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return b.Bytes(), nil
}

func decode[T any](data []byte) (T, error) {
	var value T
	err := unmarshal(data, &value)
	return value, err
}

// unmarshal takes white space out first, because raw JSON would keep it.
func unmarshal(data []byte, value any) error {
	if bytes.IndexByte(data, '\n') >= 0 {
		var compact bytes.Buffer
		compact.Grow(len(data))
		if err := json.Compact(&compact, data); err != nil {
			return fmt.Errorf("decode record: %w", err)
		}
		data = compact.Bytes()
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	return nil
}
