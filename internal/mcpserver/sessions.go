package mcpserver

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/gate"
)

// sessions makes ids of sessions that are worth something to their own callers only: whoever learns another's id does not
// come into that session, and a caller whose role has changed begins a new one.
// Of each caller, and of all, they are bounded: clients forget to end theirs. The one that was used longest ago gives way.
type sessions struct {
	key []byte
	now func() time.Time

	mu   sync.Mutex
	open map[string]*session // by id
}

const (
	mostOfOne   = 100 // sessions of one caller over HTTP; one takes some 30 KB
	mostOfAll   = 1000
	connectTime = time.Minute // within which a session that was begun is there
)

// session is one that was begun and may have ended.
type session struct {
	id     string
	caller access.Caller
	server *mcp.Server
	begun  time.Time
	used   time.Time
}

// beginning is, in the context of a call that may begin a session, the server of that.
type beginning struct{ server *mcp.Server }

type beginningKey struct{}

func newSessions(now func() time.Time) *sessions {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it does not return on a system without randomness
	return &sessions{key: key, now: now, open: map[string]*session{}}
}

// begin makes the id of a session that begins, and room for it.
func (s *sessions) begin(caller access.Caller, server *mcp.Server) string {
	random := rand.Text()
	id := random + "." + s.seal(random, caller)
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var oldest, ownOldest *session
	of := 0
	for _, other := range s.open {
		if other.over(now) {
			delete(s.open, other.id)
			continue
		}
		if oldest == nil || other.used.Before(oldest.used) {
			oldest = other
		}
		if other.caller != caller {
			continue
		}
		if of++; ownOldest == nil || other.used.Before(ownOldest.used) {
			ownOldest = other
		}
	}
	switch {
	case of >= mostOfOne:
		s.end(ownOldest)
	case len(s.open) >= mostOfAll:
		s.end(oldest)
	}
	s.open[id] = &session{id: id, caller: caller, server: server, begun: now, used: now}
	return id
}

// over says whether a session has ended.
func (s *session) over(now time.Time) bool {
	if now.Sub(s.begun) < connectTime {
		return false
	}
	for range s.server.Sessions() {
		return false
	}
	return true
}

// end ends a session, whose client is told so with its next call.
func (s *sessions) end(one *session) {
	delete(s.open, one.id)
	go func() {
		for open := range one.server.Sessions() {
			_ = open.Close() // it waits for what is under way
		}
	}()
}

// use notes that a session is used.
func (s *sessions) use(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.open[id]; one != nil {
		one.used = s.now()
	}
}

func (s *sessions) seal(random string, caller access.Caller) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(strings.Join([]string{random, string(caller.By), string(caller.Role), caller.Name}, "\x00"))) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// only lets callers into their own sessions.
func (s *sessions) only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Mcp-Session-Id")
		if id == "" {
			r = r.WithContext(context.WithValue(r.Context(), beginningKey{}, &beginning{}))
		} else {
			random, seal, _ := strings.Cut(id, ".")
			if !hmac.Equal([]byte(seal), []byte(s.seal(random, gate.CallerOf(r.Context())))) {
				// As of one that has ended: the client begins a new one.
				refuse(w, r, gate.Refusal{Status: http.StatusNotFound, Detail: "there is no such session of this caller; begin a new one"})
				return
			}
			s.use(id)
		}
		next.ServeHTTP(w, r)
	})
}
