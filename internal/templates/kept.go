package templates

import (
	"bytes"
	"sync"

	"github.com/openhostfactory/ohfp/internal/config/document"
)

// kept is what template files said when they were looked at last, so that a process that looks often understands each
// version of a file once.
type kept struct {
	mutex sync.Mutex
	files map[string]reading // by path
}

// reading is what one version of a file says. All who look at that version share it, so it is never changed.
type reading struct {
	data  []byte
	found *findings
	err   error // why the file cannot be used as a whole
}

// read returns what a file says, for the caller to look at only. The file is read each time: its time stamp does not tell
// of an edit within a tick of the clock, nor of a copy that brings its old time along.
func (c *Catalog) read(path string) (*findings, error) {
	data, err := document.Load(path)
	if err != nil {
		return nil, err
	}
	if last, ok := c.kept.of(path); ok && bytes.Equal(last.data, data) {
		return last.found, last.err
	}
	now := reading{data: data}
	now.found, now.err = understand(path, data)
	c.kept.keep(path, now)
	return now.found, now.err
}

func (k *kept) of(path string) (reading, bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	last, ok := k.files[path]
	return last, ok
}

func (k *kept) keep(path string, now reading) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.files == nil {
		k.files = map[string]reading{}
	}
	k.files[path] = now
}

// understand parses a file and the templates in it.
func understand(name string, data []byte) (*findings, error) {
	root, err := document.Parse(name, data)
	if err != nil {
		return nil, err
	}
	f := newFindings()
	if err := f.read(name, root); err != nil {
		return nil, err
	}
	return f, nil
}
