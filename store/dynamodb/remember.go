package dynamodb

import (
	"bytes"
	"context"
	"encoding/hex"
	"math"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

var _ provider.Memory = (*Store)(nil)

// What providers remember is not in the log: nothing else depends on it, and it changes often.
const memoryPartition = "memory"

// memoryKey holds any bytes: sort keys are text, of 1,024 bytes at most, and keys have 511.
func memoryKey(k string) key { return key{memoryPartition, hex.EncodeToString([]byte(k))} }

// remembered is a value and until when it is one.
type remembered struct {
	value   []byte
	expires int64 // nanoseconds since 1970
	rev     string
}

func rememberedOf(i item) (remembered, bool) {
	value := i.bytes("value")
	if len(value) == 0 {
		return remembered{}, false
	}
	return remembered{value[1:], i.number("expires"), i.text("rev")}, true
}

// memoryItem has a byte before the value, because DynamoDB has not always taken empty ones.
func (s *Store) memoryItem(k string, value []byte, ttl time.Duration) item {
	i := memoryKey(k).item()
	i.setBytes("value", append([]byte{'='}, value...))
	expires := s.now().Add(ttl)
	i.setNumber("expires", expires.UnixNano())
	i[expiryAttribute] = number(expires.Unix() + 1 + int64(math.Ceil(time.Minute.Seconds()))) // clocks differ
	i.setText("rev", newTx(s.now()))
	return i
}

func (s *Store) live(r remembered) bool { return s.now().UnixNano() < r.expires }

// Recall implements [provider.Memory].
func (s *Store) Recall(ctx context.Context, key string) ([]byte, bool, error) {
	if key == "" {
		return nil, false, s.fault(ctx.Err())
	}
	i, err := s.table.get(ctx, memoryKey(key))
	if err != nil {
		return nil, false, s.fault(err)
	}
	r, ok := rememberedOf(i)
	if !ok || !s.live(r) {
		return nil, false, nil
	}
	return r.value, true, nil
}

// RecallPrefix implements [provider.Memory].
func (s *Store) RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error) {
	found := map[string][]byte{}
	err := s.memories(ctx, prefix, "", func(i item) error {
		r, ok := rememberedOf(i)
		if !ok || !s.live(r) {
			return nil
		}
		k, err := hex.DecodeString(i.text(sortKey))
		if err != nil {
			return errPacked
		}
		found[string(k)] = r.value
		return nil
	})
	if err != nil {
		return nil, s.fault(err)
	}
	return found, nil
}

func (s *Store) memories(ctx context.Context, prefix, only string, each func(i item) error) error {
	at := span{partition: memoryPartition, prefix: hex.EncodeToString([]byte(prefix)), only: only}
	return s.table.query(ctx, at, func(page []item, _ bool) (bool, error) {
		for _, i := range page {
			if err := each(i); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// Remember implements [provider.Memory].
func (s *Store) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := store.CheckMemory(key, value); err != nil {
		return err
	}
	if err := s.fenced(ctx); err != nil {
		return s.fault(err)
	}
	_, err := s.table.put(ctx, s.memoryItem(key, value, ttl), always, nil)
	return s.fault(err)
}

// Swap implements [provider.Memory].
func (s *Store) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	if err := store.CheckMemory(key, value); err != nil {
		return false, err
	}
	for {
		i, err := s.table.get(ctx, memoryKey(key))
		if err != nil {
			return false, s.fault(err)
		}
		r, exists := rememberedOf(i)
		alive := exists && s.live(r)
		if alive != (old != nil) || alive && !bytes.Equal(r.value, old) {
			return false, nil
		}
		condition, values := isNew, item(nil)
		if exists {
			condition, values = isSame, item{":rev": text(r.rev)}
		}
		if err := s.fenced(ctx); err != nil {
			return false, s.fault(err)
		}
		next := s.memoryItem(key, value, ttl)
		if exists {
			next.setText("past", pastOf(i))
		}
		swapped, err := s.table.put(ctx, next, condition, values)
		if err != nil || swapped {
			return swapped, s.fault(err)
		}
		// Somebody was faster, or the answer to the first try was lost.
		if i, err = s.table.get(ctx, memoryKey(key)); err != nil {
			return false, s.fault(err)
		}
		if rev := next.text("rev"); i.text("rev") == rev || strings.Contains(i.text("past"), markOf(rev)) {
			return true, nil
		}
	}
}

// pastMarks is how many of the revisions before it an item keeps. By them a swap whose answer was lost is recognised as made
// even when others have swapped on from it, unless more than so many have done so before we look.
const pastMarks = 32

// markOf stands for a revision in the past of a memory: a space and its last eight random digits.
func markOf(rev string) string { return " " + rev[max(0, len(rev)-8):] }

// pastOf is the past of what is swapped in the place of a memory, the newest first.
func pastOf(i item) string {
	past := markOf(i.text("rev")) + i.text("past")
	return past[:min(len(past), pastMarks*len(" 01234567"))]
}

// Forget implements [provider.Memory].
func (s *Store) Forget(ctx context.Context, prefix string) error {
	if err := s.fenced(ctx); err != nil {
		return s.fault(err)
	}
	var keys []key
	err := s.memories(ctx, prefix, "pk, sk", func(i item) error {
		keys = append(keys, i.key())
		return nil
	})
	if err == nil {
		err = s.table.removeAll(ctx, keys)
	}
	return s.fault(err)
}
