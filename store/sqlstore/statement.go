package sqlstore

import (
	"context"
	"database/sql"
	"sync"
)

const (
	// maxPrepared bounds how many statements are kept prepared. There are about as many texts as methods of the store.
	maxPrepared = 200
	// worthPreparing is from which run on a text is: a process that runs each once or twice, as a script's call does,
	// prepares nothing ahead.
	worthPreparing = 3
)

// prepared keeps the statements that a process runs again and again, since SQLite takes longer to understand most of them
// than to run them.
type prepared struct {
	db *sql.DB

	mu      sync.Mutex
	runs    map[string]int
	kept    map[string]*sql.Stmt
	pending []string // worth it, and not prepared yet
}

func newPrepared(db *sql.DB) *prepared {
	return &prepared{db: db, runs: map[string]int{}, kept: map[string]*sql.Stmt{}}
}

// statement returns the prepared statement of a text, nil when there is none yet.
func (p *prepared) statement(query string) *sql.Stmt {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if kept := p.kept[query]; kept != nil {
		return kept
	}
	if _, known := p.runs[query]; !known && len(p.runs) >= maxPrepared {
		return nil
	}
	if p.runs[query]++; p.runs[query] == worthPreparing {
		p.pending = append(p.pending, query)
	}
	return nil
}

// settle prepares what is worth it. It takes a connection, so it must be called by somebody who holds none. What cannot be
// prepared is run as it is, and says why itself.
func (p *prepared) settle(ctx context.Context) {
	if p == nil {
		return
	}
	p.mu.Lock()
	pending := p.pending
	p.pending = nil
	p.mu.Unlock()
	for _, query := range pending {
		statement, err := p.db.PrepareContext(context.WithoutCancel(ctx), query)
		if err != nil {
			continue
		}
		p.mu.Lock()
		p.kept[query] = statement
		p.mu.Unlock()
	}
}
