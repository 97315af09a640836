package rest

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	recordsHold = time.Second            // some of what is shown depends on the time, which no store tells of
	filesHold   = 100 * time.Millisecond // nor does it tell of files, in which templates are
	maxAnswers  = 32 << 20               // bytes that are kept, with what they answer
	maxAnswer   = 4 << 20                // bytes of one; 10,000 machines take 3 MB
	around      = 1 << 10                // bytes that one takes beside its body and its address, as a rule
)

// answers are those that were given lately. Dashboards ask for the same over and over; while nothing is written to the
// store, the answer is the same.
type answers struct {
	mu   sync.Mutex
	of   map[string]given
	size int
}

// given is an answer.
type given struct {
	Revision int64
	At       time.Time
	Header   http.Header
	Body     []byte
}

func newAnswers() *answers { return &answers{of: map[string]given{}} }

// again answers what was answered lately and is still so. It stands behind what asks who calls and whether he may.
func (a *answers) again(s *Server, holds time.Duration) func(ctx huma.Context, next func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		if s.Revision == nil || r.Method != http.MethodGet || r.Header.Get("If-None-Match") != "" {
			next(ctx)
			return
		}
		revision, ok, err := s.Revision(ctx.Context()) // before the records are read: what is written meanwhile makes the answer old
		if err != nil || !ok {
			next(ctx)
			return
		}
		key, now := r.URL.Path+"?"+r.URL.RawQuery, s.Now()
		if known, ok := a.find(key); ok && known.Revision == revision && now.Sub(known.At) < holds && !now.Before(known.At) {
			h := w.Header()
			for name, values := range known.Header {
				h[name] = values
			}
			_, _ = w.Write(known.Body) // the caller may have gone
			return
		}
		taken := &taken{call: ctx, header: http.Header{}}
		next(taken)
		if taken.status == http.StatusOK && taken.body.Len() <= maxAnswer {
			a.keep(key, given{Revision: revision, At: now, Header: taken.header, Body: taken.body.Bytes()})
		}
	}
}

func (a *answers) find(key string) (given, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.of[key]
	return known, ok
}

func (a *answers) keep(key string, answer given) {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := sizeOf(key, answer)
	if before, ok := a.of[key]; ok {
		a.size -= sizeOf(key, before)
	}
	if a.size += size; a.size > maxAnswers {
		clear(a.of)
		a.size = size
	}
	a.of[key] = answer
}

// sizeOf is what an answer takes in memory. The address counts: callers write it, and may make it long.
func sizeOf(key string, answer given) int { return len(key) + len(answer.Body) + around }

// call is one as the framework has it, under a name that its methods leave free.
type call = huma.Context

// taken is a call whose answer is taken down while it is given.
type taken struct {
	call

	header http.Header
	status int
	body   bytes.Buffer
}

// SetStatus implements [huma.Context].
func (t *taken) SetStatus(status int) {
	t.status = status
	t.call.SetStatus(status)
}

// SetHeader implements [huma.Context].
func (t *taken) SetHeader(name, value string) {
	t.header.Set(name, value)
	t.call.SetHeader(name, value)
}

// AppendHeader implements [huma.Context].
func (t *taken) AppendHeader(name, value string) {
	t.header.Add(name, value)
	t.call.AppendHeader(name, value)
}

// BodyWriter implements [huma.Context].
func (t *taken) BodyWriter() io.Writer { return io.MultiWriter(t.call.BodyWriter(), &t.body) }

// Unwrap lets the framework find the call.
func (t *taken) Unwrap() huma.Context { return t.call }
