package jsonfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

var _ provider.Memory = (*Store)(nil)

// memory is the file of one key.
type memory struct {
	Key     octets    `json:"key"`
	Expires time.Time `json:"expires"`
	Value   octets    `json:"value"`
}

// octets are any bytes, readable where they are text.
type octets []byte

// MarshalJSON makes a string of text and {"base64": …} of anything else.
func (o octets) MarshalJSON() ([]byte, error) {
	if utf8.Valid(o) {
		return encode(string(o))
	}
	return json.Marshal(map[string][]byte{"base64": o})
}

// UnmarshalJSON reads what MarshalJSON makes.
func (o *octets) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		var text string
		err := json.Unmarshal(data, &text)
		*o = octets(text)
		return err
	}
	var other struct {
		Base64 []byte `json:"base64"`
	}
	err := json.Unmarshal(data, &other)
	*o = other.Base64
	return err
}

func memoryFile(key string) string { return memoryDir + "/" + fileName(key) }

func (v *view) memory(name string) (memory, error) {
	data, err := v.file(name)
	if err != nil {
		return memory{}, err
	}
	m, err := decode[memory](data)
	if err != nil {
		return memory{}, v.damaged(name, err)
	}
	return m, nil
}

// memories reads all of them.
func (v *view) memories(ctx context.Context, do func(name string, m memory)) error {
	names, err := v.files(memoryDir)
	if err != nil {
		return err
	}
	for _, base := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := memoryDir + "/" + base
		m, err := v.memory(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody writes just now, which the head will say
		}
		if err != nil {
			return err
		}
		do(name, m)
	}
	return nil
}

// live returns the value of a key that has not expired.
func (v *view) live(key string, now time.Time) ([]byte, bool, error) {
	m, err := v.memory(memoryFile(key))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case string(m.Key) != key:
		return nil, false, v.damaged(memoryFile(key), fmt.Errorf("it is of the key %q", m.Key))
	case !now.Before(m.Expires):
		return nil, false, nil
	}
	return m.Value, true, nil
}

// Recall implements [provider.Memory].
func (s *Store) Recall(ctx context.Context, key string) (value []byte, ok bool, err error) {
	err = s.look(ctx, func(v *view) error {
		value, ok, err = v.live(key, s.now())
		return err
	})
	return value, ok && err == nil, err
}

// RecallPrefix implements [provider.Memory].
func (s *Store) RecallPrefix(ctx context.Context, prefix string) (found map[string][]byte, err error) {
	err = s.look(ctx, func(v *view) error {
		found = map[string][]byte{}
		now := s.now()
		return v.memories(ctx, func(_ string, m memory) {
			if now.Before(m.Expires) && strings.HasPrefix(string(m.Key), prefix) {
				found[string(m.Key)] = m.Value
			}
		})
	})
	return found, err
}

// Remember implements [provider.Memory].
func (s *Store) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := store.CheckMemory(key, value); err != nil {
		return err
	}
	return s.write(ctx, func(tx *transaction) error { return tx.remember(ctx, key, value, ttl, s.now()) })
}

// sweepEvery is how often what has expired is cleared away, by whoever remembers something next.
const sweepEvery = time.Minute

func (tx *transaction) remember(ctx context.Context, key string, value []byte, ttl time.Duration, now time.Time) error {
	data, err := encodeIndented(memory{Key: octets(key), Expires: now.Add(ttl).Round(0).UTC(), Value: append([]byte{}, value...)})
	if err != nil {
		return err
	}
	tx.place(memoryFile(key), data)
	if now.Before(tx.head.Sweep) {
		return nil
	}
	tx.next.Sweep = now.Add(sweepEvery).Round(0).UTC()
	return tx.memories(ctx, func(name string, m memory) {
		if string(m.Key) != key && !now.Before(m.Expires) {
			tx.remove(name)
		}
	})
}

// Swap implements [provider.Memory].
func (s *Store) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (swapped bool, err error) {
	if err := store.CheckMemory(key, value); err != nil {
		return false, err
	}
	err = s.write(ctx, func(tx *transaction) error {
		now := s.now()
		live, ok, err := tx.live(key, now)
		if err != nil || ok != (old != nil) || !bytes.Equal(live, old) {
			return err
		}
		swapped = true
		return tx.remember(ctx, key, value, ttl, now)
	})
	return swapped && err == nil, err
}

// Forget implements [provider.Memory].
func (s *Store) Forget(ctx context.Context, prefix string) error {
	return s.write(ctx, func(tx *transaction) error {
		return tx.memories(ctx, func(name string, m memory) {
			if strings.HasPrefix(string(m.Key), prefix) {
				tx.remove(name)
			}
		})
	})
}
