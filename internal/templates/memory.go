package templates

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/openhostfactory/ohfp"
)

// memoryVersion is the form of the file. Another form is as good as none: the next list writes it anew.
const memoryVersion = 1

// memory is the file of what was listed, each template in its last good version.
type memory struct {
	Version   int             `json:"version"`
	Templates []ohfp.Template `json:"templates"`
}

// memoryFile is the path of the file; empty: nothing is remembered.
func (c *Catalog) memoryFile() string {
	if c.WorkDir == "" {
		return ""
	}
	return filepath.Join(c.WorkDir, "templates-listed.json")
}

// recall reads the file as it is; nil when there is none.
func (c *Catalog) recall() ([]byte, error) {
	if c.memoryFile() == "" {
		return nil, nil
	}
	data, err := os.ReadFile(c.memoryFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("what was listed before cannot be read: %w", err)
	}
	return data, nil
}

// decode understands the file. One that cannot be understood counts as empty, with an error to report.
func decode(data []byte) ([]ohfp.Template, error) {
	if data == nil {
		return nil, nil
	}
	var m memory
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("what was listed before is lost: %w", err)
	}
	if m.Version != memoryVersion {
		return nil, nil
	}
	return m.Templates, nil
}

func encode(templates []ohfp.Template) ([]byte, error) {
	return json.Marshal(memory{Version: memoryVersion, Templates: templates})
}

// remember replaces the file, whole, so that no reader sees half of it. When two processes do so at once one of them wins,
// and the next list adds what the other knew. It need not survive a power cut.
func (c *Catalog) remember(templates []ohfp.Template) error {
	if c.memoryFile() == "" {
		return nil
	}
	data, err := encode(templates)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.WorkDir, 0o750); err != nil {
		return err
	}
	file, err := os.CreateTemp(c.WorkDir, ".templates-listed-*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), c.memoryFile())
	}
	if err != nil {
		_ = os.Remove(file.Name()) // it holds nothing that is needed
	}
	return err
}
