package main

import "unicode/utf8"

// quoted is a text in JSON, byte for byte as ohfp writes it, which has package encoding/json for that. Its start would take
// longer than a call.
func quoted(text string) string {
	const digits = "0123456789abcdef"
	out := append(make([]byte, 0, len(text)+2), '"')
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			out = append(out, `\ufffd`...)
		case c == '"' || c == '\\':
			out = append(out, '\\', byte(c))
		case c == '\b':
			out = append(out, `\b`...)
		case c == '\f':
			out = append(out, `\f`...)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c < ' ' || c == '<' || c == '>' || c == '&' || c == '\u2028' || c == '\u2029': // the last five are no text in HTML and JavaScript
			out = append(out, '\\', 'u', digits[c>>12&0xf], digits[c>>8&0xf], digits[c>>4&0xf], digits[c&0xf])
		default:
			out = append(out, text[i:i+size]...)
		}
		i += size
	}
	return string(append(out, '"'))
}
