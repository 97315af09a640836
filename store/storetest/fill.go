package storetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
)

// filled makes a value in which no field is zero, so that a store that forgets a field, also one that is added to the
// domain later, loses something that the comparison sees.
func filled[T any](t *testing.T) T {
	t.Helper()
	var value T
	f := filler{t: t}
	f.fill(reflect.ValueOf(&value).Elem(), reflect.TypeFor[T]().Name())
	return value
}

type filler struct {
	t *testing.T
	n int
}

func (f *filler) fill(v reflect.Value, path string) {
	f.t.Helper()
	f.n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(start().Add(time.Duration(f.n) * (time.Hour + time.Nanosecond))))
		return
	case json.RawMessage:
		// A number that no float holds, characters that encoders like to escape, keys out of order.
		v.SetBytes(fmt.Appendf(nil, `{"z":12345678901234567890,"a":"<&>é %d","f":1.0}`, f.n))
		return
	case ohfp.Attribute:
		v.Set(reflect.ValueOf(ohfp.Attribute{Type: ohfp.AttributeString, Value: fmt.Sprintf("text %d", f.n)}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s %d é\"'<&>\\%%\n", path, f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(f.n) + 0.5)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			f.fill(v.Index(i), path)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key, path)
			f.fill(value, path)
			v.SetMapIndex(key, value)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), path)
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() {
				f.t.Fatalf("%s.%s is not exported: a store cannot keep it", path, field.Name)
			}
			f.fill(v.Field(i), path+"."+field.Name)
		}
	default:
		f.t.Fatalf("the suite cannot fill %s of type %s; teach it to", path, v.Type())
	}
	if v.IsZero() {
		f.t.Fatalf("%s was not filled", path)
	}
}

// scramble overwrites everything that value shares with whoever else holds it.
func scramble(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			scramble(v.Index(i))
			v.Index(i).SetZero()
		}
	case reflect.Map:
		v.Clear()
	case reflect.Pointer:
		if !v.IsNil() {
			scramble(v.Elem())
			v.Elem().SetZero()
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			scramble(v.Field(i))
		}
	default:
	}
}

// inUTC fails unless every time in the value is in UTC.
func inUTC(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	if at, ok := v.Interface().(time.Time); ok {
		if at.Location() != time.UTC {
			t.Errorf("%s is in %s, want UTC", path, at.Location())
		}
		return
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			inUTC(t, v.Index(i), path)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			inUTC(t, v.MapIndex(key), path)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			inUTC(t, v.Elem(), path)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			inUTC(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	default:
	}
}
