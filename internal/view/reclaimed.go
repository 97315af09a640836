package view

import (
	"time"

	"github.com/openhostfactory/ohfp/internal/query"
)

// NewReclaimed shows machines that are taken back.
func NewReclaimed(found []query.Reclaimed) ReclaimedList {
	list := ReclaimedList{Requests: []Reclaimed{}}
	for _, m := range found {
		list.Requests = append(list.Requests, Reclaimed{
			Machine: m.Machine, Name: m.Name, Grace: int(m.Grace / time.Second), Kind: m.Kind, Reason: m.Reason,
		})
	}
	return list
}
