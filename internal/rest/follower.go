package rest

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/gate"
)

// laterSeconds is after what time a caller who has too many streams may ask for another one.
const laterSeconds = 10

// followers counts the streams that each caller has open. Servers that replace each other share it: streams go on.
type followers struct {
	mu   sync.Mutex
	open map[string]int
}

func newFollowers() *followers { return &followers{open: map[string]int{}} }

// enter counts a stream unless the caller has so many, 0 being any number.
func (f *followers) enter(caller string, most int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if most > 0 && f.open[caller] >= most {
		return false
	}
	f.open[caller]++
	return true
}

func (f *followers) leave(caller string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[caller]--; f.open[caller] == 0 {
		delete(f.open, caller)
	}
}

// bounded lets a caller have so many streams at once.
func (s *Server) bounded(ctx huma.Context, next func(huma.Context)) {
	caller := callerOf(ctx.Context())
	name := string(caller.By) + " " + caller.Name
	if caller.By == access.ByPlace {
		name += " " + gate.FromOf(ctx.Context())
	}
	if !s.followers.enter(name, s.MaxStreams) {
		p := newProblem(http.StatusTooManyRequests, "throttled", "this caller follows "+strconv.Itoa(s.MaxStreams)+
			" streams already; end some, follow all changes with one at /api/v1/events/stream, or ask an administrator about api.max_streams_per_caller")
		p.Retry = true
		ctx.SetHeader("Retry-After", strconv.Itoa(laterSeconds))
		refuse(ctx, p)
		return
	}
	defer s.followers.leave(name)
	next(ctx)
}
