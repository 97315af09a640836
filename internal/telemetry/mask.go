package telemetry

import (
	"log/slog"
	"regexp"
	"strings"
	"sync"
)

// masked stands in the log for what must not be there.
const masked = "***"

// secretWords are what names of secrets contain, in small letters and without _ - and blanks.
func secretWords() []string {
	return []string{"token", "secret", "password", "passwd", "passphrase", "userdata", "credentials", "authorization", "privatekey", "apikey", "accesskey"}
}

// Mask hides the values of attributes that are named like a secret, or stand in a group named so, and what [Scrub] finds in
// texts and errors. It is made for [slog.HandlerOptions]. What a struct has in its fields it does not see.
func Mask(groups []string, a slog.Attr) slog.Attr {
	if isSecret(a.Key) {
		return hide(a)
	}
	for _, group := range groups {
		if isSecret(group) {
			return hide(a)
		}
	}
	text := ""
	switch value := a.Value.Any().(type) {
	case string:
		text = value
	case error:
		text = value.Error()
	}
	if clean := Scrub(text); clean != text {
		return slog.String(a.Key, clean)
	}
	return a
}

// Scrub hides the passwords in a text that drivers and users write: in addresses, as of
// postgresql://user:password@host/database, and behind password= and its like.
func Scrub(text string) string {
	if strings.Contains(text, "://") {
		text = inAddress().ReplaceAllString(text, "${1}"+masked+"@")
	}
	if strings.ContainsRune(text, '=') {
		text = inPairs().ReplaceAllString(text, "${1}"+masked)
	}
	return text
}

// inAddress takes all up to the last @ before a blank or quote: a password that is not encoded may hold an @ or a slash.
var inAddress = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // nothing changes it
	return regexp.MustCompile(`(://[^\s:/@"'` + "`" + `]*:)[^\s"'` + "`" + `]*@`)
})

// inPairs finds connection strings of the form password=x host=y, and parameters of addresses.
var inPairs = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // nothing changes it
	return regexp.MustCompile(`(?i)\b((?:password|passwd|pwd|secret|token|sslpassword)=)(?:'[^']*'|"[^"]*"|[^\s&;,]+)`)
})

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
