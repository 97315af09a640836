package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Memory keeps what tokens are known; every store is one, so that all processes of an installation know the same.
type Memory interface {
	Recall(ctx context.Context, key string) (value []byte, ok bool, err error)
	RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error)
	Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error
	Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error)
	Forget(ctx context.Context, prefix string) error
}

const (
	tokenStart  = "ohfp_" // by which scanners for leaked secrets know one
	tokenBytes  = 32
	tokenPrefix = "access/token/"
	namePrefix  = "access/name/"
	lasting     = 100 * 365 * 24 * time.Hour // a token without an end; memories need one
)

// Token is what is known of a token. The token itself is known to its holder only: what is kept is its SHA-256, which of
// 256 random bits nobody turns back.
type Token struct {
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy,omitempty"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}

// Tokens makes tokens and recognises callers by them. All fields are required.
type Tokens struct {
	Memory Memory
	Face   string // of the callers that are recognised
	Now    func() time.Time
}

// Create makes a token and returns it, which nothing can do a second time. A name that is in use is [ohfp.ErrConflict].
func (t Tokens) Create(ctx context.Context, name string, role Role, lasts time.Duration, by string) (string, Token, error) {
	switch {
	case !ohfp.TemplateID(name).WellFormed(): // the same alphabet
		return "", Token{}, ohfp.Errorf(ohfp.ErrInvalid, "token name %q is not allowed; use 1 to 64 of the characters 0-9 A-Z a-z _ -", name)
	case lasts < 0:
		return "", Token{}, ohfp.Errorf(ohfp.ErrInvalid, "token %s would expire %s ago; give a positive duration such as 720h", name, -lasts)
	}
	if _, err := ParseRole(string(role)); err != nil {
		return "", Token{}, err
	}
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // it does not return on a system without randomness
	token := tokenStart + base64.RawURLEncoding.EncodeToString(secret)
	now := t.Now().UTC().Truncate(time.Second)
	known := Token{Name: name, Role: role, CreatedAt: now, CreatedBy: by}
	kept := lasting
	if lasts > 0 {
		known.ExpiresAt, kept = now.Add(lasts), lasts
	}
	value, err := json.Marshal(known)
	if err != nil {
		return "", Token{}, err
	}
	digest := digestOf(token)
	mine, err := t.Memory.Swap(ctx, nameKey(name), nil, []byte(digest), kept)
	if err != nil {
		return "", Token{}, err
	}
	if !mine {
		return "", Token{}, ohfp.Errorf(ohfp.ErrConflict, "token %s exists already; revoke it first, or choose another name", name)
	}
	return token, known, t.Memory.Remember(ctx, tokenPrefix+digest, value, kept)
}

// List returns what is known of the tokens that are valid, by name.
func (t Tokens) List(ctx context.Context) ([]Token, error) {
	kept, err := t.Memory.RecallPrefix(ctx, tokenPrefix)
	if err != nil {
		return nil, err
	}
	list := make([]Token, 0, len(kept))
	for _, value := range kept {
		var known Token
		if err := json.Unmarshal(value, &known); err != nil {
			return nil, err
		}
		list = append(list, known)
	}
	slices.SortFunc(list, func(a, b Token) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Revoke makes a token worthless at once, in every process.
func (t Tokens) Revoke(ctx context.Context, name string) error {
	digest, ok, err := t.Memory.Recall(ctx, nameKey(name))
	if err != nil {
		return err
	}
	if !ok {
		return ohfp.Errorf(ohfp.ErrNotFound, "token %s does not exist; see ohfp auth token list", name)
	}
	if err := t.Memory.Forget(ctx, tokenPrefix+string(digest)); err != nil {
		return err
	}
	return t.Memory.Forget(ctx, nameKey(name))
}

// Recognise returns the caller of a token. One that is unknown, revoked or over is [ohfp.ErrDenied].
func (t Tokens) Recognise(ctx context.Context, token string) (Caller, error) {
	refused := ohfp.Errorf(ohfp.ErrDenied, "the token is not valid; it may have expired or been revoked; ask an administrator for another")
	if !strings.HasPrefix(token, tokenStart) {
		return Caller{}, refused
	}
	value, ok, err := t.Memory.Recall(ctx, tokenPrefix+digestOf(token))
	if err != nil {
		return Caller{}, err
	}
	var known Token
	if !ok || json.Unmarshal(value, &known) != nil {
		return Caller{}, refused
	}
	if !known.ExpiresAt.IsZero() && !t.Now().Before(known.ExpiresAt) {
		return Caller{}, refused
	}
	return Caller{Name: known.Name, Face: t.Face, Role: known.Role}, nil
}

// digestOf is what is kept of a token.
func digestOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// nameKey ends in a character that names do not have: to forget a key forgets all that start with it.
func nameKey(name string) string { return namePrefix + name + "." }
