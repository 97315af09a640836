package awssim

import (
	"strings"
	"time"
)

// EC2 takes client tokens of up to 64 ASCII characters.
const maxToken = 64

// tokenKey is what a client token is unique within. Zone is empty where idempotency is regional.
type tokenKey struct{ action, zone, token string }

// tokenUse is what the first call with a token made.
type tokenUse struct {
	digest  string
	at      time.Time
	made    []*instance
	fleet   *fleet
	version *templateVersion
}

// replayed returns what an earlier call with the same token made, nil when there was none.
func (c *Cloud) replayed(call *call, zone string) (*tokenUse, error) {
	token := call.entry.ClientToken
	if token == "" {
		return nil, nil
	}
	if len(token) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, invalidValue(clip(token, maxToken), "ClientToken", "Expecting at most 64 ASCII characters.")
	}
	use, ok := c.tokens[tokenKey{call.entry.Action, zone, token}]
	if !ok {
		return nil, nil
	}
	if use.digest != tokenDigest(call) {
		return nil, errorf("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	}
	if len(use.made) > 0 && !anyAlive(use.made, call.now) {
		return nil, errorf("IdempotentInstanceTerminated", "The request uses the same client token as a previous request for which the instances have been terminated.")
	}
	call.entry.Replayed = true
	return &use, nil
}

// remember keeps what a call made for the next one with the same token.
func (c *Cloud) remember(call *call, zone string, use tokenUse) {
	if call.entry.ClientToken == "" {
		return
	}
	use.digest, use.at = tokenDigest(call), call.now
	c.tokens[tokenKey{call.entry.Action, zone, call.entry.ClientToken}] = use
}

func tokenDigest(call *call) string { return digest(call.form, "ClientToken") }

// settleTokens forgets old tokens. Looking at them once a minute keeps this off the path of each call.
func (c *Cloud) settleTokens(now time.Time) {
	if now.Sub(c.sweptAt) < min(time.Minute, c.options.TokenLifetime) {
		return
	}
	c.sweptAt = now
	for key, use := range c.tokens {
		if now.Sub(use.at) >= c.options.TokenLifetime {
			delete(c.tokens, key)
		}
	}
}

func anyAlive(made []*instance, now time.Time) bool {
	for _, i := range made {
		if i.state(now) != stateTerminated {
			return true
		}
	}
	return false
}
