package access

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/openhostfactory/ohfp"
)

const (
	askIssuer = 10 * time.Second // what one call to the issuer may take
	askAgain  = 5 * time.Second  // after a discovery that failed; who sends tokens meanwhile is told so at once
)

// OIDC recognises callers by tokens of an OpenID Connect issuer. It asks the issuer for its keys when the first token
// comes, and again when a token is signed with one that it does not know. All fields are required.
type OIDC struct {
	Issuer   string // as in the tokens
	Audience string // the client that tokens are for
	Claims   Claims
	Now      func() time.Time

	mu       sync.Mutex
	keys     *oidc.IDTokenVerifier
	failed   error
	failedAt time.Time
}

// Recognise returns the caller of a token. One that is not valid here is [ohfp.ErrDenied]; an issuer that does not answer is
// [ohfp.ErrUnavailable].
func (o *OIDC) Recognise(ctx context.Context, token string) (Caller, error) {
	verifier, err := o.verifier(ctx)
	if err != nil {
		return Caller{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, askIssuer)
	defer cancel()
	verified, err := verifier.Verify(ctx, token)
	switch {
	case err != nil && strings.HasPrefix(err.Error(), fetching):
		return Caller{}, ohfp.Errorf(ohfp.ErrUnavailable, "issuer %s does not give its keys, so no token of it can be checked; try again in a moment", o.Issuer)
	case err != nil:
		return Caller{}, ohfp.Errorf(ohfp.ErrDenied, "the token is not valid: it is not one that %s has signed; get a new one", o.Issuer)
	}
	var raw json.RawMessage
	if err := verified.Claims(&raw); err != nil {
		return Caller{}, err
	}
	claims := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&claims); err != nil {
		return Caller{}, ohfp.Errorf(ohfp.ErrDenied, "the token is not valid: its claims are no JSON object; get a new one")
	}
	if err := o.Claims.check(claims, o.Issuer, o.Audience, o.Now()); err != nil {
		return Caller{}, err
	}
	return o.Claims.caller(claims, ByOIDC)
}

// fetching is how the error of the library begins that could not ask for keys.
const fetching = "failed to verify signature: fetching keys"

// verifier discovers the issuer once.
func (o *OIDC) verifier(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.keys != nil {
		return o.keys, nil
	}
	if o.failed != nil && o.Now().Before(o.failedAt.Add(askAgain)) {
		return nil, o.failed
	}
	// The library keeps the context for later calls, which are not this caller's.
	client := oidc.ClientContext(context.WithoutCancel(ctx), &http.Client{Timeout: askIssuer})
	found, err := oidc.NewProvider(client, o.Issuer)
	if err != nil {
		o.failed, o.failedAt = ohfp.Errorf(ohfp.ErrUnavailable, "issuer %s cannot be discovered, so no token of it can be checked: %w", o.Issuer, plainly(err)), o.Now()
		return nil, o.failed
	}
	// Asymmetric ones only: whoever can check a token must not be able to make one. Who a token is for and when it is valid
	// is checked like that of other tokens.
	o.keys, o.failed = found.Verifier(&oidc.Config{
		SkipClientIDCheck: true, SkipExpiryCheck: true,
		SupportedSigningAlgs: []string{
			oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
		},
	}), nil
	return o.keys, nil
}

// plainly shortens what an issuer answered: it may be a page.
func plainly(err error) error {
	text := Plain(strings.ReplaceAll(err.Error(), "\n", " "))
	return errors.New(text)
}
