package jsonfile

import (
	"fmt"
	"time"

	"github.com/openhostfactory/ohfp"
)

// format is the number of how the files here are laid out.
const format = 1

// head is store.json: what belongs to no request, and what the last write did to the files.
type head struct {
	Format       int                 `json:"format"`
	Sequence     int64               `json:"sequence"` // of writes
	Installation ohfp.InstallationID `json:"installation,omitempty"`

	// What counts against limits, by template and provider, kept with each write. It was counted over the requests that
	// are not done, of which there are Live; when there are others, somebody has moved files and it is counted again.
	Usage map[ohfp.TemplateID]map[string]int `json:"usage,omitempty"`
	Costs map[string]ohfp.Cost               `json:"costs,omitempty"` // by provider
	Live  int                                `json:"live"`

	Events    log              `json:"events"`
	Positions map[string]int64 `json:"positions,omitempty"` // of those who follow the events
	Sweep     time.Time        `json:"sweep,omitzero"`      // when to look for memories that have expired

	// What the last write did. A file was put aside as number i of the sequence, and may still be there.
	Placed  []string `json:"placed,omitempty"`
	Removed []string `json:"removed,omitempty"`
}

// log is how far the events reach. What is in the files beyond it was never stored.
type log struct {
	First int64 `json:"first"` // sequence of the first event in the last file, whose name it is
	Size  int64 `json:"size"`  // bytes of that file
	Last  int64 `json:"last"`  // sequence of the last event

	Rewritten int `json:"rewritten,omitempty"` // how often events were taken out of files
}

func (h head) staged(i int) string {
	return fmt.Sprintf("%s/%d-%d%s", stagedDir, h.Sequence, i, suffix)
}

func (h head) stagedSelf() string { return fmt.Sprintf("%s/%d%s", stagedDir, h.Sequence, suffix) }

// head reads store.json.
func (d disk) head() (head, error) {
	data, err := d.read(headFile)
	if err != nil {
		return head{}, err
	}
	h, err := decode[head](data)
	switch {
	case h.Format > format: // whatever else is in it
		return head{}, ohfp.Errorf(ohfp.ErrConflict,
			"store %s was written by a newer ohfp (format %d, this one knows %d); upgrade ohfp", d.root, h.Format, format)
	case err != nil:
		return head{}, d.damaged(headFile, err)
	case h.Format < 1:
		return head{}, d.damaged(headFile, fmt.Errorf("format is %d, want %d", h.Format, format))
	}
	return h, nil
}

func (d disk) stageHead(h head) error {
	data, err := encodeIndented(h)
	if err != nil {
		return err
	}
	return d.create(h.stagedSelf(), data)
}

// putHead is the moment at which a write happens.
func (d disk) putHead(h head) error {
	if err := d.rename(h.stagedSelf(), headFile); err != nil {
		return err
	}
	if err := d.sync("."); err != nil {
		return fmt.Errorf("the last change is visible but may not outlive a power cut: %w", err)
	}
	return nil
}
