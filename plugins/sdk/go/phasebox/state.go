// The state of a callback: its fields with the tag `state`, as JSON.
package phasebox

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
)

const stateFormat = 1

type saved struct {
	Format int                        `json:"format"`
	State  map[string]json.RawMessage `json:"state"`
}

func save() ([]byte, error) {
	state := saved{stateFormat, map[string]json.RawMessage{}}
	for _, m := range members("state") {
		text, err := json.Marshal(m.value.Addr().Interface())
		if unsupported := (*json.UnsupportedValueError)(nil); errors.As(err, &unsupported) {
			text, err = encode(m.value)
		}
		if err != nil {
			return nil, fmt.Errorf("field %q cannot be saved: %w", m.name, err)
		}
		state.State[m.name] = text
	}
	return json.Marshal(state)
}

func restore(text []byte) error {
	var state saved
	if err := json.Unmarshal(text, &state); err != nil || state.Format != stateFormat {
		return Invalid("the state is not that of this callback: %v", err)
	}
	for _, m := range members("state") {
		value, ok := state.State[m.name]
		if !ok {
			continue // A field that the older build did not have keeps its first value.
		}
		if json.Unmarshal(value, m.value.Addr().Interface()) == nil {
			continue
		}
		if err := decode(value, m.value); err != nil {
			return Invalid("saved field %q: %v", m.name, err)
		}
	}
	return nil
}

// encode is JSON in which infinities and not-a-number are texts, also in lists and in maps with texts for keys; elsewhere they
// are an error.
func encode(value reflect.Value) (json.RawMessage, error) {
	switch {
	case value.CanFloat() && (math.IsInf(value.Float(), 0) || math.IsNaN(value.Float())):
		return json.Marshal(strconv.FormatFloat(value.Float(), 'g', -1, 64))
	case isNil(value):
		return json.RawMessage("null"), nil
	case value.Kind() == reflect.Pointer && !hasOwnJSON(value):
		return encode(value.Elem())
	case isList(value) && !hasOwnJSON(value):
		list := make([]json.RawMessage, value.Len())
		for place := range list {
			var err error
			if list[place], err = encode(value.Index(place)); err != nil {
				return nil, err
			}
		}
		return json.Marshal(list)
	case isMap(value) && !hasOwnJSON(value):
		made := map[string]json.RawMessage{}
		for _, key := range value.MapKeys() {
			text, err := encode(value.MapIndex(key))
			if err != nil {
				return nil, err
			}
			made[key.String()] = text
		}
		return json.Marshal(made)
	}
	if value.CanAddr() {
		value = value.Addr()
	}
	return json.Marshal(value.Interface())
}

// decode reads what encode has made.
func decode(text json.RawMessage, into reflect.Value) error {
	switch {
	case into.CanFloat() && text[0] == '"':
		value, err := strconv.ParseFloat(string(text[1:len(text)-1]), 64)
		into.SetFloat(value)
		return err
	case string(text) == "null" || hasOwnJSON(into):
		return json.Unmarshal(text, into.Addr().Interface())
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		return decode(text, into.Elem())
	case isList(into):
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil {
			return err
		}
		if into.Kind() == reflect.Slice {
			into.Set(reflect.MakeSlice(into.Type(), len(list), len(list)))
		}
		if into.Len() != len(list) {
			return fmt.Errorf("it has %d values, and %d were saved", into.Len(), len(list))
		}
		for place, one := range list {
			if err := decode(one, into.Index(place)); err != nil {
				return err
			}
		}
		return nil
	case isMap(into):
		var saved map[string]json.RawMessage
		if err := json.Unmarshal(text, &saved); err != nil {
			return err
		}
		into.Set(reflect.MakeMap(into.Type()))
		for key, one := range saved {
			value := reflect.New(into.Type().Elem()).Elem()
			if err := decode(one, value); err != nil {
				return err
			}
			into.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), value)
		}
		return nil
	}
	return json.Unmarshal(text, into.Addr().Interface())
}

// hasOwnJSON tells of types that say themselves how they are written.
func hasOwnJSON(value reflect.Value) bool {
	own := reflect.PointerTo(value.Type())
	return own.Implements(reflect.TypeFor[json.Marshaler]()) || own.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

func isNil(value reflect.Value) bool {
	kind := value.Kind()
	return (kind == reflect.Pointer || kind == reflect.Slice || kind == reflect.Map) && value.IsNil()
}

// isList leaves out bytes, which are one text in JSON.
func isList(value reflect.Value) bool {
	isSlice := value.Kind() == reflect.Slice && value.Type().Elem().Kind() != reflect.Uint8
	return isSlice || value.Kind() == reflect.Array
}

func isMap(value reflect.Value) bool {
	return value.Kind() == reflect.Map && value.Type().Key().Kind() == reflect.String
}
