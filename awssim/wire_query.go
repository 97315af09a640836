package awssim

import (
	"cmp"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The EC2 Query protocol flattens a call into form parameters: dots separate the names of members, numbers from 1 index
// lists (TagSpecification.1.Tag.2.Key). Struct fields say their name in a `query` tag; embedded structs are inlined. The
// other services' Query protocol has one more level in lists, which is part of the name here: `query:"Tags.member"`. What
// calls spell differently has several names, separated by a bar.

const (
	// Deeper than any EC2 parameter; a bound on recursion, not an AWS limit.
	maxParameterDepth = 16
	// DescribeInstances with 1,000 filter values and RunInstances with hundreds of tags stay far below.
	maxParameters = 50_000
)

// parameter is one node of the tree that the dotted names spell.
type parameter struct {
	name     string
	value    string
	hasValue bool
	used     bool
	children map[string]*parameter
}

// decodeQuery fills the struct that into points to. Every parameter of the form must have found a place, those in known
// excepted, which the caller reads itself.
func decodeQuery(form url.Values, into any, known ...string) error {
	root, err := unfold(form)
	if err != nil {
		return err
	}
	for _, name := range known {
		if child := root.children[name]; child != nil {
			child.used = true
		}
	}
	if err := root.decode(reflect.ValueOf(into).Elem()); err != nil {
		return err
	}
	if name := root.unused(); name != "" {
		return errorf("UnknownParameter", "The parameter %s is not recognized or not supported by this simulator", name)
	}
	return nil
}

func unfold(form url.Values) (*parameter, error) {
	if len(form) > maxParameters {
		return nil, errorf("InvalidParameterCombination", "The request has %d parameters; the simulator takes %d", len(form), maxParameters)
	}
	root := &parameter{}
	for name, values := range form {
		if len(values) > 1 {
			return nil, errorf("InvalidParameterValue", "The parameter %s is given %d times", name, len(values))
		}
		parts := strings.Split(name, ".")
		if len(parts) > maxParameterDepth || slices.Contains(parts, "") {
			return nil, errorf("UnknownParameter", "The parameter %s is not recognized", name)
		}
		node := root
		for i, part := range parts {
			child := node.children[part]
			if child == nil {
				child = &parameter{name: strings.Join(parts[:i+1], ".")}
				if node.children == nil {
					node.children = map[string]*parameter{}
				}
				node.children[part] = child
			}
			node = child
		}
		node.value, node.hasValue = values[0], true
	}
	return root, nil
}

func (p *parameter) decode(into reflect.Value) error {
	switch {
	case into.Type() == reflect.TypeFor[time.Time]():
		return p.decodeScalar(into)
	case into.Kind() == reflect.Pointer:
		if into.Type().Elem().Kind() != reflect.Struct && !p.hasValue {
			return nil
		}
		into.Set(reflect.New(into.Type().Elem()))
		return p.decode(into.Elem())
	case into.Kind() == reflect.Struct:
		return p.decodeStruct(into)
	case into.Kind() == reflect.Slice:
		return p.decodeList(into)
	default:
		return p.decodeScalar(into)
	}
}

func (p *parameter) decodeStruct(into reflect.Value) error {
	for i := range into.NumField() {
		field := into.Type().Field(i)
		node := p
		if !field.Anonymous {
			if node = p.child(field.Tag.Get("query")); node == nil {
				continue
			}
		}
		if err := node.decode(into.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

// child finds a member by the first of its names that is given.
func (p *parameter) child(names string) *parameter {
	for name := range strings.SplitSeq(names, "|") {
		node := p
		for part := range strings.SplitSeq(name, ".") {
			if node.hasValue && node.value == "" && node != p {
				// An empty list has no level of members.
				node.used = true
			}
			if node = node.children[part]; node == nil {
				break
			}
		}
		if node != nil {
			return node
		}
	}
	return nil
}

func (p *parameter) decodeList(into reflect.Value) error {
	// The Query protocol writes an empty list as an empty value.
	if p.hasValue && p.value == "" {
		p.used = true
	}
	type element struct {
		index int
		node  *parameter
	}
	elements := make([]element, 0, len(p.children))
	for key, child := range p.children {
		// A key that is no index stays unused and is reported as unknown.
		if index, err := strconv.Atoi(key); err == nil && index > 0 && strconv.Itoa(index) == key {
			elements = append(elements, element{index, child})
		}
	}
	slices.SortFunc(elements, func(a, b element) int { return cmp.Compare(a.index, b.index) })
	list := reflect.MakeSlice(into.Type(), len(elements), len(elements))
	for i, e := range elements {
		if err := e.node.decode(list.Index(i)); err != nil {
			return err
		}
	}
	if len(elements) > 0 {
		into.Set(list)
	}
	return nil
}

func (p *parameter) decodeScalar(into reflect.Value) error {
	if !p.hasValue {
		return nil
	}
	p.used = true
	var err error
	switch target := into.Addr().Interface().(type) {
	case *string:
		*target = p.value
	case *bool:
		// EC2 takes no other spelling.
		if *target = p.value == "true"; !*target && p.value != "false" {
			err = strconv.ErrSyntax
		}
	case *int:
		*target, err = strconv.Atoi(p.value)
	case *float64:
		if *target, err = strconv.ParseFloat(p.value, 64); math.IsNaN(*target) || math.IsInf(*target, 0) {
			err = strconv.ErrRange
		}
	case *time.Time:
		*target, err = time.Parse(time.RFC3339, p.value)
	default:
		panic(fmt.Sprintf("awssim: no decoding into %s", into.Type()))
	}
	if err != nil {
		return errorf("InvalidParameterValue", "Value (%s) for parameter %s is invalid", clip(p.value, 64), p.name)
	}
	return nil
}

// unused returns the first parameter, in order of names, that nothing took.
func (p *parameter) unused() string {
	found := ""
	if p.hasValue && !p.used {
		found = p.name
	}
	for _, child := range p.children {
		if name := child.unused(); name != "" && (found == "" || name < found) {
			found = name
		}
	}
	return found
}
