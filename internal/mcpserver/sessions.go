package mcpserver

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/gate"
)

// sessions makes ids of sessions that are worth something to their own callers only: whoever learns another's id does not
// come into that session, and a caller whose role has changed begins a new one.
type sessions struct{ key []byte }

func newSessions() sessions {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it does not return on a system without randomness
	return sessions{key}
}

// id makes one for a caller.
func (s sessions) id(caller access.Caller) string {
	random := rand.Text()
	return random + "." + s.seal(random, caller)
}

func (s sessions) seal(random string, caller access.Caller) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(strings.Join([]string{random, string(caller.By), string(caller.Role), caller.Name}, "\x00"))) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// only lets callers into their own sessions.
func (s sessions) only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("Mcp-Session-Id"); id != "" {
			random, seal, _ := strings.Cut(id, ".")
			if !hmac.Equal([]byte(seal), []byte(s.seal(random, gate.CallerOf(r.Context())))) {
				// As of one that has ended: the client begins a new one.
				refuse(w, r, gate.Refusal{Status: http.StatusNotFound, Detail: "there is no such session of this caller; begin a new one"})
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
