package jinja

import (
	"strconv"
	"strings"
)

// postfix reads attributes, indexes and calls behind a value.
func (e *expressions) postfix(value expression) (expression, error) {
	for {
		var err error
		switch {
		case e.accept('o', "."):
			word := e.take()
			position, err := strconv.Atoi(word.text)
			switch {
			case word.kind == 'n':
				value = attribute{value, word.text}
			case word.kind == 'i' && err == nil:
				value = index{value, literal{position}}
			default:
				return nil, failure(e.line, "a dot needs a name behind it")
			}
		case e.accept('o', "["):
			value, err = e.subscript(value)
		case e.accept('o', "("):
			c := call{of: value}
			c.args, c.named, err = e.arguments()
			value = c
		default:
			return value, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// subscript reads [key] or [from:to:step].
func (e *expressions) subscript(of expression) (expression, error) {
	var parts [3]expression
	colons := 0
	for {
		if t := e.peek(); t.kind == 'o' && t.text == ":" && colons < 2 {
			e.at++
			colons++
			continue
		}
		if e.accept('o', "]") {
			break
		}
		if parts[colons] != nil {
			return nil, e.unexpected("want ]")
		}
		part, err := e.expression()
		if err != nil {
			return nil, err
		}
		parts[colons] = part
	}
	switch {
	case colons > 0:
		return slice{of, parts[0], parts[1], parts[2]}, nil
	case parts[0] == nil:
		return nil, failure(e.line, "[] needs a key")
	default:
		return index{of, parts[0]}, nil
	}
}

// arguments reads (a, b, name=c) behind its opening.
func (e *expressions) arguments() (args []expression, named map[string]expression, err error) {
	named = map[string]expression{}
	for first := true; !e.accept('o', ")"); first = false {
		if !first {
			if err := e.expect(","); err != nil {
				return nil, nil, err
			}
			if e.accept('o', ")") {
				break
			}
		}
		name := ""
		if t := e.peek(); t.kind == 'n' && e.at+1 < len(e.tokens) && e.tokens[e.at+1] == (token{'o', "="}) {
			name = t.text
			e.at += 2
		}
		value, err := e.expression()
		switch {
		case err != nil:
			return nil, nil, err
		case name != "":
			named[name] = value
		case len(named) > 0:
			return nil, nil, failure(e.line, "an argument without a name follows one with a name")
		default:
			args = append(args, value)
		}
	}
	return args, named, nil
}

// filters reads |name(args) and is name args behind a value.
func (e *expressions) filters(value expression) (expression, error) {
	for {
		switch {
		case e.accept('o', "|"):
			f := filterExpr{of: value}
			var err error
			if f.name, err = e.dotted("a filter"); err != nil {
				return nil, err
			}
			if e.accept('o', "(") {
				if f.args, f.named, err = e.arguments(); err != nil {
					return nil, err
				}
			}
			value = f
		case e.accept('n', "is"):
			test, err := e.test(value)
			if err != nil {
				return nil, err
			}
			value = test
		default:
			return value, nil
		}
	}
}

func (e *expressions) dotted(what string) (string, error) {
	word := e.take()
	if word.kind != 'n' {
		e.at--
		return "", e.unexpected("want the name of " + what)
	}
	return word.text, nil
}

// test reads what follows is: [not] name, and an argument with or without brackets.
func (e *expressions) test(of expression) (expression, error) {
	t := testExpr{of: of, negate: e.accept('n', "not")}
	var err error
	if t.name, err = e.dotted("a test"); err != nil {
		return nil, err
	}
	switch next := e.peek(); {
	case e.accept('o', "("):
		var named map[string]expression
		if t.args, named, err = e.arguments(); err == nil && len(named) > 0 {
			err = failure(e.line, "tests take no arguments with names")
		}
	case next.kind == 's' || next.kind == 'i' || next.kind == 'f' || next.kind == 'o' && strings.Contains("[{", next.text) ||
		next.kind == 'n' && !followsTest(next.text):
		var argument expression
		if argument, err = e.primary(); err == nil {
			argument, err = e.postfix(argument)
		}
		t.args = []expression{argument}
	}
	return t, err
}

// followsTest says whether a name goes on with the expression rather than being the test's argument.
func followsTest(name string) bool {
	switch name {
	case "else", "or", "and", "is", "if", "in", "not":
		return true
	default:
		return false
	}
}
