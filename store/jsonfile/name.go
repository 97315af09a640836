package jsonfile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const suffix = ".json"

// fileName is the name of the file for an id or key. What a file system may not like or not tell apart (capitals, on
// some) is replaced, and the name made unique again.
func fileName(id string) string {
	const longest = 64 // of the part that people read; names may have 255 bytes
	odd := len(id) > longest || id == ""
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		default:
			odd = true
			return '_'
		}
	}, id)
	if !odd {
		return name + suffix
	}
	sum := sha256.Sum256([]byte(id))
	return name[:min(len(name), longest)] + "~" + hex.EncodeToString(sum[:16]) + suffix
}
