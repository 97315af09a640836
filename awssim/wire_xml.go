package awssim

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Answers are XML documents whose elements are named in `reply` tags: name, then ",omitempty" for members that EC2 leaves
// out when they have no value, and ",item=NAME" for the lists whose members are not called item. The standard encoder
// cannot wrap lists without a struct per list, and takes too long for pages of a thousand instances.

const (
	ec2Namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"
	stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
	asgNamespace = "http://autoscaling.amazonaws.com/doc/2011-01-01/"
	xmlHeader    = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	// As EC2 writes times.
	timeFormat = "2006-01-02T15:04:05.000Z"
)

func encodeEC2Reply(action, requestID string, reply any) []byte {
	e := newEncoder()
	e.raw(xmlHeader, "<", action, `Response xmlns="`, ec2Namespace, `">`)
	e.text("requestId", requestID)
	e.members(reflect.ValueOf(reply))
	e.raw("</", action, "Response>")
	return e.out
}

// encodeQueryReply is for the services other than EC2, whose answers have one more level, and whose lists call each of
// their members member.
func encodeQueryReply(namespace, action, requestID string, reply any) []byte {
	e := newEncoder()
	e.item, e.tag = "member", "group"
	e.raw(xmlHeader, "<", action, `Response xmlns="`, namespace, `">`)
	if reply != nil {
		e.raw("<", action, "Result>")
		e.members(reflect.ValueOf(reply))
		e.raw("</", action, "Result>")
	}
	e.raw("<ResponseMetadata>")
	e.text("RequestId", requestID)
	e.raw("</ResponseMetadata></", action, "Response>")
	return e.out
}

func encodeEC2Error(err *apiError, requestID string) []byte {
	e := newEncoder()
	e.raw(xmlHeader, "<Response><Errors><Error>")
	e.text("Code", err.Code)
	e.text("Message", err.Message)
	e.raw("</Error></Errors>")
	e.text("RequestID", requestID)
	e.raw("</Response>")
	return e.out
}

func encodeQueryError(namespace string, err *apiError, requestID string) []byte {
	e := newEncoder()
	e.raw(xmlHeader, `<ErrorResponse xmlns="`, namespace, `"><Error>`)
	if err.Status < 500 {
		e.text("Type", "Sender")
	} else {
		e.text("Type", "Receiver")
	}
	e.text("Code", err.Code)
	e.text("Message", err.Message)
	e.raw("</Error>")
	e.text("RequestId", requestID)
	e.raw("</ErrorResponse>")
	return e.out
}

type encoder struct {
	out []byte
	// item is what members of lists are called. tag has the names that differ from those of EC2.
	item, tag string
	// What was learnt about each struct type, so that a thousand instances are reflected upon once.
	layouts map[reflect.Type][]member
}

type member struct {
	index     int
	name      string
	item      string
	omitEmpty bool
	inline    bool
}

func newEncoder() *encoder {
	return &encoder{item: "item", out: make([]byte, 0, 4096), layouts: map[reflect.Type][]member{}}
}

func (e *encoder) raw(parts ...string) {
	for _, part := range parts {
		e.out = append(e.out, part...)
	}
}

func (e *encoder) open(name string)  { e.out = append(append(append(e.out, '<'), name...), '>') }
func (e *encoder) close(name string) { e.out = append(append(append(e.out, "</"...), name...), '>') }

func (e *encoder) text(name, value string) {
	e.open(name)
	e.escape(value)
	e.close(name)
}

func (e *encoder) escape(value string) {
	for i := range len(value) {
		if c := value[i]; c < ' ' || c >= 0x7f || c == '&' || c == '<' || c == '>' || c == '"' || c == '\'' {
			var escaped bytes.Buffer
			// A bytes.Buffer never fails.
			_ = xml.EscapeText(&escaped, []byte(value))
			e.out = append(e.out, escaped.Bytes()...)
			return
		}
	}
	e.out = append(e.out, value...)
}

// members writes the fields of a struct, or of the struct behind a pointer.
func (e *encoder) members(v reflect.Value) {
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	for _, m := range e.layout(v.Type()) {
		field := v.Field(m.index)
		switch {
		case m.inline:
			e.members(field)
		case m.omitEmpty && isEmpty(field):
		default:
			e.open(m.name)
			e.value(field, m.item)
			e.close(m.name)
		}
	}
}

func (e *encoder) layout(t reflect.Type) []member {
	if known, ok := e.layouts[t]; ok {
		return known
	}
	var layout []member
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous {
			layout = append(layout, member{index: i, inline: true})
			continue
		}
		text, ok := field.Tag.Lookup(e.tag)
		if !ok {
			text = field.Tag.Get("reply")
		}
		name, options, _ := strings.Cut(text, ",")
		if name == "" {
			continue
		}
		m := member{index: i, name: name, item: e.item}
		for option := range strings.SplitSeq(options, ",") {
			if item, ok := strings.CutPrefix(option, "item="); ok {
				m.item = item
			}
			m.omitEmpty = m.omitEmpty || option == "omitempty"
		}
		layout = append(layout, m)
	}
	e.layouts[t] = layout
	return layout
}

func (e *encoder) value(v reflect.Value, item string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			e.value(v.Elem(), item)
		}
	case reflect.String:
		e.escape(v.String())
	case reflect.Bool:
		e.out = strconv.AppendBool(e.out, v.Bool())
	case reflect.Int:
		e.out = strconv.AppendInt(e.out, v.Int(), 10)
	case reflect.Float64:
		e.out = strconv.AppendFloat(e.out, v.Float(), 'f', -1, 64)
	case reflect.Slice:
		for i := range v.Len() {
			e.open(item)
			e.value(v.Index(i), e.item)
			e.close(item)
		}
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			e.out = t.UTC().AppendFormat(e.out, timeFormat)
			return
		}
		e.members(v)
	default:
		panic(fmt.Sprintf("awssim: no encoding of %s", v.Type()))
	}
}

func isEmpty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.IsZero()
}
