package telemetry

import (
	"log/slog"
	"strings"
)

// masked stands in the log for what must not be there.
const masked = "***"

// secretWords are what names of secrets contain, in small letters and without _ - and blanks.
func secretWords() []string {
	return []string{"token", "secret", "password", "passwd", "passphrase", "userdata", "credentials", "authorization", "privatekey", "apikey", "accesskey"}
}

// Mask hides the values of attributes that are named like a secret, or stand in a group named so. It is made for
// [slog.HandlerOptions]. It goes by names only: what a message says in words, or a struct in its fields, it does not see.
func Mask(groups []string, a slog.Attr) slog.Attr {
	if isSecret(a.Key) {
		return hide(a)
	}
	for _, group := range groups {
		if isSecret(group) {
			return hide(a)
		}
	}
	return a
}

// hide keeps nothing but whether there was a value.
func hide(a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindString && a.Value.String() == "" {
		return a
	}
	return slog.String(a.Key, masked)
}

func isSecret(name string) bool {
	name = strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(strings.ToLower(name))
	for _, word := range secretWords() {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
