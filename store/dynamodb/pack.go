package dynamodb

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// How a packed record begins.
const (
	packedPlain   = 0
	packedDeflate = 1
)

// deflateFrom is the size from which records are compressed. DynamoDB charges writes by the KB, so below one there is nothing to save.
const deflateFrom = 1 << 10

// pack encodes a record. Raw JSON inside keeps its tokens: nothing in it is escaped again.
func pack(record any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte(packedPlain)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(record); err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	plain := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(plain) < deflateFrom {
		return plain, nil
	}
	var packed bytes.Buffer
	packed.Grow(len(plain) / 4)
	packed.WriteByte(packedDeflate)
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("compress record: %w", err)
	}
	if _, err := w.Write(plain[1:]); err != nil {
		return nil, fmt.Errorf("compress record: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress record: %w", err)
	}
	return packed.Bytes(), nil
}

var errPacked = errors.New("record is not in a form that this version of ohfp knows; upgrade ohfp")

func unpack[T any](packed []byte) (record T, err error) {
	if len(packed) == 0 {
		return record, errPacked
	}
	doc := packed[1:]
	switch packed[0] {
	case packedPlain:
	case packedDeflate:
		if doc, err = io.ReadAll(flate.NewReader(bytes.NewReader(doc))); err != nil {
			return record, fmt.Errorf("decompress record: %w", err)
		}
	default:
		return record, errPacked
	}
	if err := json.Unmarshal(doc, &record); err != nil {
		return record, fmt.Errorf("decode record: %w", err)
	}
	return record, nil
}

// split cuts what is too large for one item.
func split(packed []byte, size int) [][]byte {
	var pieces [][]byte
	for len(packed) > size {
		pieces, packed = append(pieces, packed[:size]), packed[size:]
	}
	return append(pieces, packed)
}
