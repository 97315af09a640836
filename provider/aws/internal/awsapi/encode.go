package awsapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Encode writes an input of the SDK as JSON without what it leaves unset. Equal inputs give equal bytes, whatever
// fields a later SDK adds.
func Encode(input any) (json.RawMessage, error) {
	full, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", input, err)
	}
	p := pruner{in: full, out: make([]byte, 0, len(full)/4)}
	p.value()
	return p.out, nil
}

// pruner copies JSON as the standard library has just written it, without white space, with the members of objects sorted
// by name, and without what the SDK does not send: nil pointers and lists, and enumerations without a value. A tag's value
// may be empty and is sent. An input of the SDK is a hundred fields of which few are set, so most of it is passed over.
type pruner struct {
	in  []byte
	pos int
	out []byte
}

// value copies the value at pos.
func (p *pruner) value() {
	switch p.in[p.pos] {
	case '{':
		p.object()
	case '[':
		p.list()
	default:
		start := p.pos
		p.scalar()
		p.out = append(p.out, p.in[start:p.pos]...)
	}
}

func (p *pruner) list() {
	for p.pos++; p.in[p.pos-1] != ']'; p.pos++ { // pos-1 is at the bracket or comma before an item, or at the end
		p.out = append(p.out, p.in[p.pos-1])
		if p.in[p.pos] != ']' {
			p.value()
		}
	}
	p.out = append(p.out, ']')
}

// member is where an object's member is in the output.
type member struct {
	name       string
	start, end int
}

func (p *pruner) object() {
	p.out = append(p.out, '{')
	first := len(p.out)
	var members []member
	sorted := true
	for p.pos++; p.in[p.pos-1] != '}'; p.pos++ {
		if p.in[p.pos] == '}' {
			continue
		}
		quoted := p.pos
		p.scalar()
		name := p.in[quoted:p.pos]
		p.pos++ // the colon
		if p.unset(name) {
			p.scalar()
			continue
		}
		if len(members) > 0 {
			p.out = append(p.out, ',')
		}
		m := member{name: plain(name), start: len(p.out)}
		p.out = append(append(p.out, name...), ':')
		p.value()
		m.end = len(p.out)
		sorted = sorted && (len(members) == 0 || members[len(members)-1].name <= m.name)
		members = append(members, m)
	}
	if !sorted {
		p.sort(first, members)
	}
	p.out = append(p.out, '}')
}

// sort puts the members into the order of their names.
func (p *pruner) sort(first int, members []member) {
	written := bytes.Clone(p.out)
	p.out = p.out[:first]
	slices.SortStableFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	for i, m := range members {
		if i > 0 {
			p.out = append(p.out, ',')
		}
		p.out = append(p.out, written[m.start:m.end]...)
	}
}

// unset says whether the member of that name, whose value is at pos, is one that is not sent.
func (p *pruner) unset(name []byte) bool {
	rest := p.in[p.pos:]
	return rest[0] == 'n' || rest[0] == '"' && rest[1] == '"' && string(name) != `"Value"`
}

// scalar steps over a string, number, truth value or null.
func (p *pruner) scalar() {
	if p.in[p.pos] != '"' {
		for p.pos < len(p.in) && !strings.ContainsRune(",]}", rune(p.in[p.pos])) {
			p.pos++
		}
		return
	}
	for p.pos++; p.in[p.pos] != '"'; p.pos++ {
		if p.in[p.pos] == '\\' {
			p.pos++
		}
	}
	p.pos++
}

// plain is the text of a quoted string.
func plain(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var text string
	_ = json.Unmarshal(quoted, &text) // the standard library has just written it
	return text
}
