package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// step is one instruction of a Dockerfile.
type step struct {
	Line  int
	Name  string   // in capitals
	Flags []string // without the dashes: chown=1:1
	Rest  string
}

// parse reads the instructions. Here documents and parser directives are not understood.
func parse(text string) ([]step, error) {
	var steps []step
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		first, line := i, strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for strings.HasSuffix(line, "\\") {
			if i++; i == len(lines) {
				return nil, fmt.Errorf("line %d goes on after the end", first+1)
			}
			line = strings.TrimSuffix(line, "\\") + strings.TrimSpace(lines[i])
		}
		name, rest, _ := strings.Cut(line, " ")
		s := step{Line: first + 1, Name: strings.ToUpper(name), Rest: strings.TrimSpace(rest)}
		for strings.HasPrefix(s.Rest, "--") {
			flag, after, _ := strings.Cut(s.Rest, " ")
			s.Flags, s.Rest = append(s.Flags, flag[2:]), strings.TrimSpace(after)
		}
		steps = append(steps, s)
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("it has no instruction")
	}
	return steps, nil
}

// flag is the value of a flag, empty if it was not given.
func (s step) flag(name string) string {
	for _, flag := range s.Flags {
		if value, ok := strings.CutPrefix(flag, name+"="); ok {
			return value
		}
	}
	return ""
}

// stages divides the instructions: those before the first FROM, and those of each stage by its name, the last also by "".
func stages(steps []step) (globals []step, byName map[string][]step) {
	byName = map[string][]step{}
	starts := []int{}
	for i, s := range steps {
		if s.Name == "FROM" {
			starts = append(starts, i)
		}
	}
	if len(starts) == 0 {
		return steps, byName
	}
	for i, start := range starts {
		end := len(steps)
		if i+1 < len(starts) {
			end = starts[i+1]
		} else {
			byName[""] = steps[start:]
		}
		words := strings.Fields(steps[start].Rest)
		if len(words) == 3 && strings.EqualFold(words[1], "as") {
			byName[words[2]] = steps[start:end]
		}
	}
	return steps[:starts[0]], byName
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

// expand puts the values of variables in. One that is not known is empty, as engines have it.
func expand(text string, values map[string]string) string {
	return variable.ReplaceAllStringFunc(text, func(word string) string {
		return values[strings.Trim(word, "${}")]
	})
}

// words are the parts of a JSON list. The other form would need a shell, which the image has not.
func words(s step) ([]string, error) {
	var list []string
	if err := json.Unmarshal([]byte(s.Rest), &list); err != nil || len(list) == 0 {
		return nil, fmt.Errorf("line %d: %s wants a list in JSON, since there is no shell: %s", s.Line, s.Name, s.Rest)
	}
	return list, nil
}

// pairs reads NAME=VALUE NAME="VALUE WITH SPACES".
func pairs(s step) ([][2]string, error) {
	var list [][2]string
	rest := s.Rest
	for rest != "" {
		name, after, ok := strings.Cut(rest, "=")
		if !ok || strings.ContainsAny(name, " \"") {
			return nil, fmt.Errorf("line %d: %s wants NAME=VALUE, not %q", s.Line, s.Name, rest)
		}
		var value string
		if quoted, isQuoted := strings.CutPrefix(after, `"`); isQuoted {
			if value, rest, ok = strings.Cut(quoted, `"`); !ok {
				return nil, fmt.Errorf("line %d: the quote of %s does not end", s.Line, name)
			}
		} else {
			value, rest, _ = strings.Cut(after, " ")
		}
		list, rest = append(list, [2]string{name, value}), strings.TrimSpace(rest)
	}
	if slices.ContainsFunc(list, func(pair [2]string) bool { return pair[0] == "" }) {
		return nil, fmt.Errorf("line %d: %s has a value without a name", s.Line, s.Name)
	}
	return list, nil
}
