package awsapi

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode writes an input of the SDK as JSON without what it leaves unset. Equal inputs give equal bytes, whatever
// fields a later SDK adds.
func Encode(input any) (json.RawMessage, error) {
	full, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", input, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(full))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("encode %T: %w", input, err)
	}
	short, err := json.Marshal(prune(tree))
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", input, err)
	}
	return short, nil
}

// prune drops what the SDK does not send: nil pointers and lists, and enumerations without a value. A tag's value may be
// empty and is sent.
func prune(node any) any {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if value == nil || value == "" && key != "Value" {
				delete(node, key)
			} else {
				node[key] = prune(value)
			}
		}
	case []any:
		for i := range node {
			node[i] = prune(node[i])
		}
	}
	return node
}
