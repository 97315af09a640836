package jinja

import (
	"slices"
	"strings"
)

// node is a part of a template that puts out something.
type node any

type (
	textNode   struct{ text string }
	outputNode struct {
		value expression
		line  int
	}
	setNode struct {
		names []string
		value expression
		body  []node // of a block; value is nil then
		line  int
	}
	ifNode struct {
		tests  []expression
		bodies [][]node // one more than tests when there is an else
		line   int
	}
	forNode struct {
		names     []string
		over      expression
		condition expression // nil for none
		body      []node
		otherwise []node
		line      int
	}
)

// statement is the inside of {% %}.
type statement struct {
	name string
	line int
	rest *expressions
}

// blocks builds the tree of a template from its pieces.
type blocks struct {
	pieces []piece
	at     int
	depth  int
}

// until reads nodes up to a statement that ends or divides a block, or to the end of the template.
func (p *blocks) until() ([]node, statement, error) {
	p.depth++
	defer func() { p.depth-- }()
	var nodes []node
	for p.at < len(p.pieces) {
		piece := p.pieces[p.at]
		p.at++
		if p.depth > maxDepth {
			return nil, statement{}, failure(piece.line, "blocks are nested too deep")
		}
		if piece.kind == 't' {
			if piece.text != "" {
				nodes = append(nodes, textNode{piece.text})
			}
			continue
		}
		tokens, err := scan(piece.text, piece.line)
		if err != nil {
			return nil, statement{}, err
		}
		inside := &expressions{tokens: tokens, line: piece.line}
		if piece.kind == '{' {
			value, err := inside.whole()
			if err != nil {
				return nil, statement{}, err
			}
			nodes = append(nodes, outputNode{value, piece.line})
			continue
		}
		name := inside.take()
		s := statement{name: name.text, line: piece.line, rest: inside}
		if name.kind != 'n' {
			return nil, statement{}, failure(piece.line, "{%% %%} needs a statement, like if or for")
		}
		if slices.Contains([]string{"elif", "else", "endif", "endfor", "endset"}, s.name) {
			return nodes, s, nil
		}
		node, err := p.statement(s)
		if err != nil {
			return nil, statement{}, err
		}
		nodes = append(nodes, node)
	}
	return nodes, statement{}, nil
}

func (p *blocks) statement(s statement) (node, error) {
	switch s.name {
	case "if":
		return p.ifBlock(s)
	case "for":
		return p.forBlock(s)
	case "set":
		return p.set(s)
	default:
		return nil, failure(s.line, "the statement %s is not supported; use if, for, set or raw", s.name)
	}
}

func (p *blocks) ifBlock(s statement) (node, error) {
	block := ifNode{line: s.line}
	for {
		if s.name != "else" {
			test, err := s.rest.whole()
			if err != nil {
				return nil, err
			}
			block.tests = append(block.tests, test)
		} else if err := s.rest.end(); err != nil {
			return nil, err
		}
		body, next, err := p.until()
		if err != nil {
			return nil, err
		}
		block.bodies = append(block.bodies, body)
		switch {
		case next.name == "endif":
			return block, next.rest.end()
		case s.name == "else" || next.name != "elif" && next.name != "else":
			return nil, unended("if", block.line, next)
		}
		s = next
	}
}

func (p *blocks) forBlock(s statement) (node, error) {
	names, err := s.rest.names()
	if err != nil {
		return nil, err
	}
	if word := s.rest.take(); word.text != "in" || word.kind != 'n' {
		return nil, failure(s.line, "for needs in; write {%% for item in list %%}")
	}
	block := forNode{names: names, line: s.line}
	if block.over, err = s.rest.disjunction(); err != nil {
		return nil, err
	}
	if s.rest.accept('n', "if") {
		if block.condition, err = s.rest.expression(); err != nil {
			return nil, err
		}
	}
	if err := s.rest.end(); err != nil {
		return nil, err
	}
	var next statement
	if block.body, next, err = p.until(); err != nil {
		return nil, err
	}
	if next.name == "else" {
		if err := next.rest.end(); err != nil {
			return nil, err
		}
		if block.otherwise, next, err = p.until(); err != nil {
			return nil, err
		}
	}
	if next.name != "endfor" {
		return nil, unended("for", s.line, next)
	}
	return block, next.rest.end()
}

func (p *blocks) set(s statement) (node, error) {
	names, err := s.rest.names()
	if err != nil {
		return nil, err
	}
	block := setNode{names: names, line: s.line}
	if s.rest.accept('o', "=") {
		if block.value, err = s.rest.tuple(); err != nil {
			return nil, err
		}
		return block, s.rest.end()
	}
	if len(names) > 1 {
		return nil, failure(s.line, "set needs = behind several names")
	}
	if err := s.rest.end(); err != nil {
		return nil, err
	}
	var next statement
	if block.body, next, err = p.until(); err != nil {
		return nil, err
	}
	if next.name != "endset" {
		return nil, unended("set", s.line, next)
	}
	return block, next.rest.end()
}

func unended(name string, line int, next statement) error {
	if next.name == "" {
		return failure(line, "%s is not ended; write {%% end%s %%}", name, name)
	}
	return failure(next.line, "%s does not belong to the %s of line %d", next.name, name, line)
}

// names reads the names that for and set give values to.
func (e *expressions) names() ([]string, error) {
	var names []string
	for {
		word := e.take()
		if word.kind != 'n' || strings.HasPrefix(word.text, "_") || reserved(word.text) {
			return nil, failure(e.line, "%q is not a name for a variable", word.text)
		}
		names = append(names, word.text)
		if e.peek().text == "." {
			return nil, failure(e.line, "attributes cannot be set; set a variable")
		}
		if !e.accept('o', ",") {
			return names, nil
		}
	}
}

func reserved(name string) bool {
	return slices.Contains([]string{"in", "is", "if", "else", "and", "or", "not", "true", "false", "none", "True", "False", "None", "loop"}, name)
}
