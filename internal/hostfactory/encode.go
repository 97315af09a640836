package hostfactory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// The sentences of IBM's own plug-in, which administrators search their logs for.
const (
	messageTemplates      = "Get available templates success."
	messageRequested      = "Request VM success."
	messageReturned       = "Delete VM success."
	messageNoneActive     = "No Active VM."
	messageReturnRequests = "Instances marked for termination retrieved successfully."
)

// ordered is a JSON object that keeps the order of its members, so that people can read it.
type ordered []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in their order.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := encode(m.key)
		if err != nil {
			return nil, err
		}
		value, err := encode(m.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.key, err)
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is json.Marshal without its \u003c for <: Host Factory is no web page.
func encode(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// answer is a whole answer: one object on one line.
func answer(value any) ([]byte, error) {
	line, err := encode(value)
	if err != nil {
		return nil, err
	}
	return append(line, '\n'), nil
}

// longestMessage bounds a message in runes: Host Factory keeps it in its database and its logs, at every poll.
const longestMessage = 1000

// sentence is a message on one line of bounded length, whatever a cloud has put into it.
func sentence(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if runes := []rune(text); len(runes) > longestMessage {
		return string(runes[:longestMessage]) + "..."
	}
	return text
}

type messageAnswer struct {
	Message string `json:"message"`
}

// orNull is null for what is not known yet: an empty address would be taken for one.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
