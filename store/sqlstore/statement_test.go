package sqlstore

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
)

// TestStatementsAreKeptWithoutConnectionsToSpare lets more goroutines than there are connections run what becomes worth
// preparing, all at once: none may wait for a connection that another one has who waits for it.
func TestStatementsAreKeptWithoutConnectionsToSpare(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Path: freshPath(t), Now: func() time.Time { return start }, MaxConnections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 10 {
				if err := s.PutTemplate(context.WithoutCancel(t.Context()), ohfp.Template{ID: ohfp.TemplateID(rune('a' + i)), MaxNumber: 1}); err != nil {
					t.Error(err)
				}
				if _, err := s.Templates(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if len(s.prepared.kept) == 0 {
		t.Error("nothing was worth preparing")
	}
	if len(s.prepared.pending) > 0 {
		t.Errorf("%d statements wait to be prepared", len(s.prepared.pending))
	}
}
