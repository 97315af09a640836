package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
)

// onceFor is how long a key is remembered: longer than anybody tries again.
const onceFor = 24 * time.Hour

// repeat is what is remembered of a key.
type repeat struct {
	Body string         `json:"body"` // SHA-256
	ID   ohfp.RequestID `json:"id"`
}

// once chooses the id of what a call with an Idempotency-Key makes, and remembers it for all processes before anything is
// made. The same call again has the same id, and the store keeps one record of an id. Without a key it chooses none.
func (s *Server) once(ctx context.Context, key string, kind ohfp.RequestType, body any) (ohfp.RequestID, error) {
	if key == "" {
		return "", nil
	}
	content, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	mine := repeat{Body: hex.EncodeToString(sum[:]), ID: s.NewID(kind)}
	value, err := json.Marshal(mine)
	if err != nil {
		return "", err
	}
	caller := callerOf(ctx)
	of := sha256.Sum256([]byte(strings.Join([]string{string(caller.By), caller.Name, string(kind), key}, "\x00")))
	place := "rest/once/" + hex.EncodeToString(of[:])
	first, err := s.Memory.Swap(ctx, place, nil, value, onceFor)
	if err != nil || first {
		return mine.ID, err
	}
	known, ok, err := s.Memory.Recall(ctx, place)
	if err != nil {
		return "", err
	}
	var before repeat
	if !ok || json.Unmarshal(known, &before) != nil {
		return "", ohfp.Errorf(ohfp.ErrConflict, "the Idempotency-Key is expiring just now; use a new one")
	}
	if before.Body != mine.Body {
		return "", newProblem(http.StatusUnprocessableEntity, "idempotency_key_reused",
			"the Idempotency-Key was used with another body; use a new key for a new request")
	}
	return before.ID, nil
}
