package access

import (
	"context"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// Bearers recognises callers by any of the tokens that are accepted. Tokens is required; JWT and OIDC are nil where they
// are not configured.
type Bearers struct {
	Tokens Tokens
	JWT    *JWT
	OIDC   *OIDC
}

// Recognise returns the caller of a token, or [ohfp.ErrDenied]. Each token is tried in one way only, which what it is and
// who issued it decide.
func (b Bearers) Recognise(ctx context.Context, token string) (Caller, error) {
	switch {
	case strings.HasPrefix(token, tokenStart):
		return b.Tokens.Recognise(ctx, token)
	case strings.Count(token, ".") != 2:
	case b.OIDC != nil && (b.JWT == nil || issuerIn(token) == b.OIDC.Issuer):
		return b.OIDC.Recognise(ctx, token)
	case b.JWT != nil:
		return b.JWT.Recognise(ctx, token)
	}
	return Caller{}, ohfp.Errorf(ohfp.ErrDenied, "the token is of no kind that is accepted here; ask an administrator for one")
}
