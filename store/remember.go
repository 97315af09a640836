package store

import "github.com/openhostfactory/ohfp"

// The bounds of [provider.Memory], the same in every store so that a provider that works on one works on all.
const (
	memoryKeyBelow   = 512
	memoryValueBelow = 64 << 10
)

// CheckMemory refuses with [ohfp.ErrInvalid] what no store remembers.
func CheckMemory(key string, value []byte) error {
	switch {
	case key == "":
		return ohfp.Errorf(ohfp.ErrInvalid, "memory key is empty; use 1 to %d bytes", memoryKeyBelow-1)
	case len(key) >= memoryKeyBelow:
		return ohfp.Errorf(ohfp.ErrInvalid, "memory key %.40q… has %d bytes; use 1 to %d", key, len(key), memoryKeyBelow-1)
	case len(value) >= memoryValueBelow:
		return ohfp.Errorf(ohfp.ErrInvalid, "memory %q has %d bytes; keep it below %d", key, len(value), memoryValueBelow)
	}
	return nil
}
