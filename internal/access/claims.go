package access

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/openhostfactory/ohfp"
)

// longestName bounds the names of callers, in bytes: they stand in every record of what they do.
const longestName = 256

// Claims is how what an issuer tells of somebody becomes a caller. Name and Roles are required.
type Claims struct {
	Name    string          // the claim with the caller's name; without it, the claim sub
	Roles   string          // the claim with roles or groups: a list, or words in one text; a.b is b inside a
	Map     map[string]Role // which of them are which role; the greatest counts
	Default Role            // of those who have none of them; empty: they may do nothing
	Leeway  time.Duration   // by which clocks may differ
}

// check refuses with [ohfp.ErrDenied] what is not for this program, not yet valid or no longer. A token without an end is
// refused: nothing else ends it. An empty issuer or audience is not looked at.
func (c Claims) check(claims map[string]any, issuer, audience string, now time.Time) error {
	if got, _ := claims["iss"].(string); issuer != "" && got != issuer {
		return ohfp.Errorf(ohfp.ErrDenied, "the token is of another issuer; get one from %s", issuer)
	}
	if audience != "" && !slices.Contains(audiences(claims), audience) {
		return ohfp.Errorf(ohfp.ErrDenied, "the token is not for this program; get one for the audience %s", audience)
	}
	ends, ok := instant(claims["exp"])
	if !ok {
		return ohfp.Errorf(ohfp.ErrDenied, "the token does not say when it expires; get one with the claim exp")
	}
	if !now.Before(ends.Add(c.Leeway)) {
		return ohfp.Errorf(ohfp.ErrDenied, "the token has expired; get a new one")
	}
	for _, name := range []string{"nbf", "iat"} {
		value, given := claims[name]
		begins, ok := instant(value)
		if given && (!ok || now.Add(c.Leeway).Before(begins)) {
			return ohfp.Errorf(ohfp.ErrDenied, "the token is not valid yet by its claim %s; compare the clocks of this machine and the issuer", name)
		}
	}
	return nil
}

// audiences are whom a token is for. Access tokens of Cognito have no aud and say client_id.
func audiences(claims map[string]any) []string {
	switch aud := claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		return texts(aud)
	case nil:
		if client, ok := claims["client_id"].(string); ok {
			return []string{client}
		}
	}
	return nil
}

// instant reads a number of seconds since 1970.
func instant(value any) (time.Time, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	seconds, err := number.Float64()
	const farthest = 1 << 40 // the year 36812, so that no sum overflows
	if err != nil || seconds != seconds || seconds < 0 || seconds > farthest {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// caller is whom the claims are about.
func (c Claims) caller(claims map[string]any, by Proof) (Caller, error) {
	name, _ := claims[c.Name].(string)
	if name == "" {
		name, _ = claims["sub"].(string)
	}
	if name = Plain(name); name == "" {
		return Caller{}, ohfp.Errorf(ohfp.ErrDenied, "the token names nobody; get one with the claim %s or sub", c.Name)
	}
	return Caller{Name: name, By: by, Role: greatest(c.Map, c.words(claims), c.Default)}, nil
}

// words are the roles or groups as the issuer calls them.
func (c Claims) words(claims map[string]any) []string {
	value, ok := claims[c.Roles]
	for path := strings.Split(c.Roles, "."); !ok && len(path) > 1; path = path[1:] {
		inner, is := claims[path[0]].(map[string]any)
		if !is {
			return nil
		}
		claims = inner
		value, ok = claims[strings.Join(path[1:], ".")]
	}
	switch value := value.(type) {
	case string:
		return strings.Fields(value)
	case []any:
		return texts(value)
	default:
		return nil
	}
}

func texts(list []any) []string {
	var found []string
	for _, value := range list {
		if text, ok := value.(string); ok {
			found = append(found, text)
		}
	}
	return found
}

// greatest is the role of whoever has these words.
func greatest(roles map[string]Role, words []string, otherwise Role) Role {
	role := Role("")
	for _, word := range words {
		if r := roles[word]; r.rank() > role.rank() {
			role = r
		}
	}
	if role == "" {
		return otherwise
	}
	return role
}

// ParseRoles reads entries such as ops=operator: what others say of somebody, and which role that is.
func ParseRoles(entries []string) (map[string]Role, error) {
	roles := make(map[string]Role, len(entries))
	for _, entry := range entries {
		i := strings.LastIndexByte(entry, '=')
		if i < 1 {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "entry %q names no role; write for example ops=operator", entry)
		}
		role, err := ParseRole(entry[i+1:])
		if err != nil {
			return nil, err
		}
		roles[entry[:i]] = role
	}
	return roles, nil
}

// Plain is a name of a stranger as records may have it: without anything that a terminal obeys, and not too long.
func Plain(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	if len(name) > longestName {
		name = strings.ToValidUTF8(name[:longestName], "")
	}
	return strings.TrimSpace(name)
}
