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
	"github.com/openhostfactory/ohfp/provider"
)

const (
	tokenStart  = "ohfp_" // by which scanners for leaked secrets know one
	tokenBytes  = 32
	tokenPrefix = provider.Lasting + "access/token/"
	namePrefix  = provider.Lasting + "access/name/"
)

// Token is what is known of a token. The token itself is known to its holder only: what is kept is its SHA-256, which of
// 256 random bits nobody turns back; a slow hash is for passwords, which can be guessed, and would cost every call.
type Token struct {
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy,omitempty"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}

// Tokens makes tokens and recognises callers by them. All fields are required.
type Tokens struct {
	Memory provider.Memory // every store is one, so that all processes of an installation know the same tokens
	Now    func() time.Time
}

// Create makes a token and returns it, which nothing can do a second time. A name that is in use is [ohfp.ErrConflict].
func (t Tokens) Create(ctx context.Context, name string, role Role, lasts time.Duration, by string) (string, Token, error) {
	switch {
	case !ohfp.TemplateID(name).WellFormed(): // the same alphabet
		return "", Token{}, ohfp.Errorf(ohfp.ErrInvalid, "token name %q is not allowed; use 1 to 64 of the characters 0-9 A-Z a-z _ -", name)
	case lasts < 0:
		return "", Token{}, ohfp.Errorf(ohfp.ErrInvalid, "token %s would expire %s ago; give a positive duration such as 30d", name, ohfp.FormatDuration(-lasts))
	}
	if _, err := ParseRole(string(role)); err != nil {
		return "", Token{}, err
	}
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // it does not return on a system without randomness
	token := tokenStart + base64.RawURLEncoding.EncodeToString(secret)
	now := t.Now().UTC().Truncate(time.Second)
	known := Token{Name: name, Role: role, CreatedAt: now, CreatedBy: by}
	if lasts > 0 {
		known.ExpiresAt = now.Add(lasts)
	}
	if err := t.clear(ctx); err != nil {
		return "", Token{}, err
	}
	value, err := json.Marshal(known)
	if err != nil {
		return "", Token{}, err
	}
	digest := digestOf(token)
	mine, err := t.Memory.Swap(ctx, nameKey(name), nil, []byte(digest), provider.LastingTime)
	if err != nil {
		return "", Token{}, err
	}
	if !mine {
		return "", Token{}, ohfp.Errorf(ohfp.ErrConflict, "token %s exists already; revoke it first, or choose another name", name)
	}
	return token, known, t.Memory.Remember(ctx, tokenPrefix+digest, value, provider.LastingTime)
}

// over says whether a token has expired.
func (t Tokens) over(known Token) bool {
	return !known.ExpiresAt.IsZero() && !t.Now().Before(known.ExpiresAt)
}

// clear forgets the tokens that have expired, whose names may be used again.
func (t Tokens) clear(ctx context.Context) error {
	all, err := t.all(ctx)
	for _, known := range all {
		if t.over(known) && err == nil {
			err = t.Revoke(ctx, known.Name)
		}
	}
	return err
}

// List returns what is known of the tokens that are valid, by name.
func (t Tokens) List(ctx context.Context) ([]Token, error) {
	all, err := t.all(ctx)
	return slices.DeleteFunc(all, t.over), err
}

func (t Tokens) all(ctx context.Context) ([]Token, error) {
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
	if t.over(known) {
		return Caller{}, refused
	}
	return Caller{Name: known.Name, By: ByToken, Role: known.Role}, nil
}

// digestOf is what is kept of a token.
func digestOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// nameKey ends in a character that names do not have: to forget a key forgets all that start with it.
func nameKey(name string) string { return namePrefix + name + "." }
