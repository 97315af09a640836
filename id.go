package ohfp

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
)

// RequestID names a request: "req-" (machines asked for) or "ret-" (machines given back) and a UUID.
type RequestID string

// MachineID is the provider's own name of a machine, for example an EC2 instance id.
type MachineID string

// TemplateID names a template: 1 to 64 of the characters 0-9 A-Z a-z _ - (the limit is Host Factory's).
type TemplateID string

// InstallationID names one installation of this program. It is random, made once, kept in the store and in the work
// directory, and carried by everything that the installation creates in a cloud.
type InstallationID string

const (
	acquirePrefix = "req-"
	returnPrefix  = "ret-"
)

// NewRequestID makes an id for a request of the given type. Ids are UUIDv7, so that they sort by time of creation.
func NewRequestID(t RequestType, now time.Time) RequestID {
	prefix := acquirePrefix
	if t == TypeReturn {
		prefix = returnPrefix
	}
	return RequestID(prefix + uuid7(now))
}

// WellFormed says whether the id could have been made by [NewRequestID] or by the systems this one replaces, which
// used random UUIDs with the same prefixes.
func (id RequestID) WellFormed() bool {
	rest, ok := strings.CutPrefix(string(id), acquirePrefix)
	if !ok {
		rest, ok = strings.CutPrefix(string(id), returnPrefix)
	}
	if !ok || len(rest) != len("01234567-0123-0123-0123-0123456789ab") {
		return false
	}
	for i, c := range []byte(rest) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (c == '-') || !hyphen && !isHex(c) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// Type tells from the prefix whether the id names a return.
func (id RequestID) Type() RequestType {
	if len(id) >= len(returnPrefix) && id[:len(returnPrefix)] == returnPrefix {
		return TypeReturn
	}
	return TypeAcquire
}

// WellFormed says whether Host Factory accepts the template id.
func (id TemplateID) WellFormed() bool {
	for _, c := range []byte(id) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '-') {
			return false
		}
	}
	return 1 <= len(id) && len(id) <= 64
}

// NewInstallationID makes a random installation id of 16 hexadecimal digits.
func NewInstallationID() InstallationID {
	var b [8]byte
	mustRead(b[:])
	return InstallationID(hex.EncodeToString(b[:]))
}

// uuid7 is RFC 9562's version 7: 48 bits of Unix milliseconds, then random bits.
func uuid7(now time.Time) string {
	var b [16]byte
	mustRead(b[6:])
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (8 * (5 - i)))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// mustRead fills b with random bytes. crypto/rand does not return on a system that has none.
func mustRead(b []byte) { _, _ = rand.Read(b) }
