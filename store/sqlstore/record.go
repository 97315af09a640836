package sqlstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/openhostfactory/ohfp/store"
)

// encode makes the document of a record. Raw JSON inside keeps its tokens: nothing in it is escaped again.
func encode(record any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(record); err != nil {
		return "", fmt.Errorf("encode record: %w", err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

func decode[T any](doc []byte) (T, error) {
	var record T
	if err := json.Unmarshal(doc, &record); err != nil {
		return record, fmt.Errorf("decode record: %w", err)
	}
	return record, nil
}

// list makes the parameter of [oneOf].
func list[T ~string](values []T) string {
	text, _ := json.Marshal(values) // strings always encode
	return string(text)
}

// stamp is a time as columns hold it.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// conditions collect what a filter asks for.
type conditions struct {
	text string
	args []any
}

func (c *conditions) and(condition string, args ...any) {
	if c.text == "" {
		c.text = " WHERE "
	} else {
		c.text += " AND "
	}
	c.text += condition
	c.args = append(c.args, args...)
}

// older, newer and later are what comes after a cursor in the list of requests, in the opposite order, and in the list of
// machines.
func (c *conditions) older(cursor string) error { return c.requestsFrom("<", cursor) }

func (c *conditions) newer(cursor string) error { return c.requestsFrom(">", cursor) }

func (c *conditions) requestsFrom(where, cursor string) error {
	r, err := store.RequestAt(cursor)
	if err == nil {
		c.and("(created_at, id) "+where+" (?, ?)", stamp(r.CreatedAt), r.ID)
	}
	return err
}

func (c *conditions) later(cursor string) error {
	m, err := store.MachineAt(cursor)
	if err == nil {
		c.and("(launched_at, machine_id, provider) > (?, ?, ?)", stamp(m.LaunchedAt), m.ID, m.Provider)
	}
	return err
}

// of makes the statement: head, the conditions, tail.
func (c *conditions) of(head, tail string) string { return head + c.text + tail }

// page is a tail that cuts what is found.
func (c *conditions) page(order string, limit, offset int) string {
	if limit <= 0 {
		limit = maxRows
	}
	c.args = append(c.args, limit, max(offset, 0))
	return " ORDER BY " + order + " LIMIT ? OFFSET ?"
}

// maxRows is more than any store has.
const maxRows = 1 << 53
