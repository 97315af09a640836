package view

import (
	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
)

// CollectedOrphan is an orphan and what became of it.
type CollectedOrphan struct {
	query.Orphan

	Fate    command.Fate   `json:"fate" enum:"ends,would,waits,fails"`
	By      ohfp.RequestID `json:"by,omitempty" doc:"The request or return that ends it"`
	Message string         `json:"message,omitempty"`
}

// Collection is what came of collecting orphans.
type Collection struct {
	Orphans []CollectedOrphan `json:"orphans"`
	Held    string            `json:"held,omitempty" doc:"Why nothing is collected"`
}

// NewCollection shows what came of collecting orphans.
func NewCollection(done command.Collection) Collection {
	list := Collection{Orphans: []CollectedOrphan{}, Held: done.Held}
	for _, o := range done.Orphans {
		list.Orphans = append(list.Orphans, CollectedOrphan{Orphan: query.NewOrphan(o.Orphan), Fate: o.Fate, By: o.By, Message: o.Message})
	}
	return list
}
