package jinja

import (
	"slices"
	"strconv"
)

// expression is something with a value.
type expression any

type (
	literal   struct{ value any }
	variable  struct{ name string }
	listExpr  struct{ items []expression }
	dictExpr  struct{ keys, values []expression }
	attribute struct {
		of   expression
		name string
	}
	index struct{ of, key expression }
	slice struct{ of, from, to, step expression }
	call  struct {
		of    expression
		args  []expression
		named map[string]expression
	}
	filterExpr struct {
		of    expression
		name  string
		args  []expression
		named map[string]expression
	}
	testExpr struct {
		of     expression
		name   string
		args   []expression
		negate bool
	}
	unary   struct{ operator, of any }
	binary  struct{ operator, left, right any }
	compare struct {
		first     expression
		operators []string
		others    []expression
	}
	ternary struct{ test, yes, no expression }
)

// expressions reads the inside of a tag.
type expressions struct {
	tokens []token
	at     int
	line   int
	depth  int
}

func (e *expressions) peek() token {
	if e.at < len(e.tokens) {
		return e.tokens[e.at]
	}
	return token{}
}

func (e *expressions) take() token {
	t := e.peek()
	e.at++
	return t
}

func (e *expressions) accept(kind byte, text string) bool {
	if t := e.peek(); t.kind == kind && t.text == text {
		e.at++
		return true
	}
	return false
}

func (e *expressions) expect(text string) error {
	if !e.accept('o', text) {
		return e.unexpected("want " + text)
	}
	return nil
}

func (e *expressions) unexpected(want string) error {
	if t := e.peek(); t.kind != 0 {
		return failure(e.line, "%q is not expected here; %s", t.text, want)
	}
	return failure(e.line, "the tag ends too early; %s", want)
}

func (e *expressions) end() error {
	if e.peek().kind != 0 {
		return e.unexpected("want the end of the tag")
	}
	return nil
}

// whole reads an expression that is all that there is.
func (e *expressions) whole() (expression, error) {
	value, err := e.tuple()
	if err != nil {
		return nil, err
	}
	return value, e.end()
}

// tuple reads one expression, or several with commas between them, which are a list.
func (e *expressions) tuple() (expression, error) {
	first, err := e.expression()
	if err != nil || e.peek().text != "," || e.peek().kind != 'o' {
		return first, err
	}
	items := []expression{first}
	for e.accept('o', ",") {
		if t := e.peek(); t.kind == 0 || t.kind == 'o' && t.text == ")" {
			break
		}
		item, err := e.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return listExpr{items}, nil
}

func (e *expressions) expression() (expression, error) {
	e.depth++
	defer func() { e.depth-- }()
	if e.depth > maxDepth {
		return nil, failure(e.line, "expressions are nested too deep")
	}
	value, err := e.disjunction()
	for err == nil && e.accept('n', "if") {
		choice := ternary{yes: value}
		if choice.test, err = e.disjunction(); err != nil {
			return nil, err
		}
		if e.accept('n', "else") {
			if choice.no, err = e.expression(); err != nil {
				return nil, err
			}
		}
		value = choice
	}
	return value, err
}

// chain reads operands with operators of one rank between them, from left to right.
func (e *expressions) chain(kind byte, operators []string, operand func() (expression, error)) (expression, error) {
	left, err := operand()
	for err == nil && e.peek().kind == kind && slices.Contains(operators, e.peek().text) {
		operator := e.take().text
		var right expression
		if right, err = operand(); err == nil {
			left = binary{operator, left, right}
		}
	}
	return left, err
}

func (e *expressions) disjunction() (expression, error) {
	return e.chain('n', []string{"or"}, func() (expression, error) {
		return e.chain('n', []string{"and"}, e.negation)
	})
}

func (e *expressions) negation() (expression, error) {
	negated := false
	for e.accept('n', "not") {
		negated = !negated
		if value, err := e.negationOf(negated); value != nil || err != nil {
			return value, err
		}
	}
	return e.comparison()
}

// negationOf reads what a run of nots applies to, once no more of them follow.
func (e *expressions) negationOf(negated bool) (expression, error) {
	if t := e.peek(); t.kind == 'n' && t.text == "not" {
		return nil, nil
	}
	value, err := e.comparison()
	if err != nil {
		return nil, err
	}
	if !negated {
		value = unary{"not", value}
	}
	return unary{"not", value}, nil
}

func (e *expressions) comparison() (expression, error) {
	first, err := e.sum()
	if err != nil {
		return nil, err
	}
	all := compare{first: first}
	for {
		operator := ""
		switch t := e.peek(); {
		case t.kind == 'o' && slices.Contains([]string{"==", "!=", "<", ">", "<=", ">="}, t.text):
			operator = e.take().text
		case e.accept('n', "in"):
			operator = "in"
		case t.kind == 'n' && t.text == "not" && e.at+1 < len(e.tokens) && e.tokens[e.at+1] == (token{'n', "in"}):
			e.at += 2
			operator = "not in"
		}
		if operator == "" {
			break
		}
		other, err := e.sum()
		if err != nil {
			return nil, err
		}
		all.operators, all.others = append(all.operators, operator), append(all.others, other)
	}
	if len(all.operators) == 0 {
		return first, nil
	}
	return all, nil
}

func (e *expressions) sum() (expression, error) {
	return e.chain('o', []string{"+", "-"}, func() (expression, error) {
		return e.chain('o', []string{"~"}, func() (expression, error) {
			return e.chain('o', []string{"*", "/", "//", "%"}, func() (expression, error) {
				return e.chain('o', []string{"**"}, func() (expression, error) { return e.signed(true) })
			})
		})
	})
}

func (e *expressions) signed(filtered bool) (expression, error) {
	e.depth++
	defer func() { e.depth-- }()
	if e.depth > maxDepth {
		return nil, failure(e.line, "expressions are nested too deep")
	}
	var value expression
	var err error
	if t := e.peek(); t.kind == 'o' && (t.text == "-" || t.text == "+") {
		e.at++
		if value, err = e.signed(false); err != nil {
			return nil, err
		}
		value = unary{t.text, value}
	} else if value, err = e.primary(); err != nil {
		return nil, err
	}
	if value, err = e.postfix(value); err != nil || !filtered {
		return value, err
	}
	return e.filters(value)
}

func (e *expressions) primary() (expression, error) {
	switch t := e.take(); {
	case t.kind == 's':
		for e.peek().kind == 's' {
			t.text += e.take().text
		}
		return literal{t.text}, nil
	case t.kind == 'i':
		n, err := strconv.Atoi(t.text)
		if err != nil {
			return nil, failure(e.line, "the number %s is too large", t.text)
		}
		return literal{n}, nil
	case t.kind == 'f':
		n, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, failure(e.line, "the number %s is too large", t.text)
		}
		return literal{n}, nil
	case t.kind == 'n':
		switch t.text {
		case "true", "True":
			return literal{true}, nil
		case "false", "False":
			return literal{false}, nil
		case "none", "None":
			return literal{nil}, nil
		}
		if reserved(t.text) && t.text != "loop" {
			e.at--
			return nil, e.unexpected("want a value")
		}
		return variable{t.text}, nil
	case t.kind == 'o' && t.text == "(":
		if e.accept('o', ")") {
			return listExpr{}, nil
		}
		value, err := e.tuple()
		if err != nil {
			return nil, err
		}
		return value, e.expect(")")
	case t.kind == 'o' && t.text == "[":
		items, err := e.items("]")
		return listExpr{items}, err
	case t.kind == 'o' && t.text == "{":
		return e.dict()
	default:
		e.at--
		return nil, e.unexpected("want a value")
	}
}

func (e *expressions) items(closing string) ([]expression, error) {
	var items []expression
	for !e.accept('o', closing) {
		if len(items) > 0 {
			if err := e.expect(","); err != nil {
				return nil, err
			}
			if e.accept('o', closing) {
				break
			}
		}
		item, err := e.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (e *expressions) dict() (expression, error) {
	var d dictExpr
	for !e.accept('o', "}") {
		if len(d.keys) > 0 {
			if err := e.expect(","); err != nil {
				return nil, err
			}
			if e.accept('o', "}") {
				break
			}
		}
		key, err := e.expression()
		if err != nil {
			return nil, err
		}
		if err := e.expect(":"); err != nil {
			return nil, err
		}
		value, err := e.expression()
		if err != nil {
			return nil, err
		}
		d.keys, d.values = append(d.keys, key), append(d.values, value)
	}
	return d, nil
}
