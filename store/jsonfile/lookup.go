package jsonfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
)

// The lookup files say in which requests' files to look for a machine id or name. Lines are only added, by the write that
// stores the machine, so they may say too much: what is not found where they lead does not exist.

// lookupFiles is how many files they are. A search reads one of them for each key.
const lookupFiles = 64

// finding is a line of a lookup file.
type finding struct {
	key string // a machine's id or name
	at  ohfp.RequestID
}

func lookupFile(key string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return fmt.Sprintf("%s/%02x%s", lookupDir, h.Sum32()%lookupFiles, linesSuffix)
}

// stageFindings returns what writes the lines of the transaction.
func (tx *transaction) stageFindings() ([]func() error, error) {
	added := map[string][]byte{}
	for _, f := range tx.found {
		line, err := encode([]string{f.key, string(f.at)})
		if err != nil {
			return nil, err
		}
		name := lookupFile(f.key)
		added[name] = append(append(added[name], '\n'), line...)
	}
	writes := make([]func() error, 0, len(added))
	for name, data := range added {
		// The end of a line is written with the next one, so that one that was cut short does not spoil it.
		writes = append(writes, func() error { return tx.appendLines(name, data) })
	}
	return writes, nil
}

// lookup lists the requests in whose files machines with one of the keys may be.
func (v *view) lookup(ctx context.Context, keys []string) ([]ohfp.RequestID, error) {
	wanted := map[string]map[string]bool{} // keys as in the file, by file
	for _, key := range keys {
		text, err := encode(key)
		if err != nil {
			return nil, err
		}
		name := lookupFile(key)
		if wanted[name] == nil {
			wanted[name] = map[string]bool{}
		}
		wanted[name][string(text[1:len(text)-1])] = true
	}
	v.listed = true // like a list, this is of one state only if the head is still the same
	found := map[ohfp.RequestID]bool{}
	for name, here := range wanted {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data, err := v.file(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(data) {
			// A quote inside a key is escaped, so these three characters come first between the two.
			key, _, ok := bytes.Cut(line, []byte(`","`))
			if !ok || !here[string(bytes.TrimPrefix(key, []byte(`["`)))] {
				continue
			}
			if pair, err := decode[[2]ohfp.RequestID](bytes.TrimSpace(line)); err == nil {
				found[pair[1]] = true // otherwise its writer was killed, and the machine not stored
			}
		}
	}
	return slices.Collect(maps.Keys(found)), nil
}
