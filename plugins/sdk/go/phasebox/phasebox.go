// Package phasebox makes a Go value a callback: its methods are named like phases, its fields are the recipe's parameters
// and the callback's state. It owns the exports of the component: the description with the schema of the parameters, their
// reading, and the words of errors and panics. The contract's functions are in contract.go, the state is in state.go.
//
// Tensors and groups end with the call, unless they were kept. Build with GOOS=wasip1 and -buildmode=c-shared.
package phasebox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// Error is the contract's error, of the host or the callback's own.
type Error struct {
	Code    ErrorCode
	Message string
}

func (e *Error) Error() string { return e.Message }

// IsNotAvailable tells that a value does not exist at this phase, such as the loss of a skipped batch.
func IsNotAvailable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == CodeNotAvailable
}

// Invalid is the error of a parameter or a state that cannot be used.
func Invalid(format string, given ...any) error {
	return &Error{CodeInvalidArgument, fmt.Sprintf(format, given...)}
}

// Infof writes one line to the run's log.
func Infof(format string, given ...any) { Log(LevelInfo, fmt.Sprintf(format, given...)) }

// Description is what `describe` says of the callback, beside its parameters.
type Description struct {
	Name         string   `json:"name"`
	Version      string   `json:"version"`
	Summary      string   `json:"summary"`
	Grants       []string `json:"grants,omitempty"`
	Metrics      []string `json:"metrics,omitempty"`
	StateVersion uint32   `json:"state_version"`
}

var (
	described Description
	callback  any
)

// Export makes a pointer to a struct the component's callback. Call it in an init function.
//
// A method such as OnTrainBatchEnd(*PhaseContext) error is called at that phase, and Configure() error once the parameters
// are read. A field with the tag `param:"rate"` is a parameter: `default:"0.1"` (without it the parameter is required),
// `doc:"…"`, and the bounds of JSON Schema: `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`. A field with the
// tag `state:"best"` is saved in checkpoints, as JSON. Both kinds are exported fields.
func Export(value any, description Description) {
	if kind := reflect.TypeOf(value); kind.Kind() != reflect.Pointer || kind.Elem().Kind() != reflect.Struct {
		panic("phasebox.Export wants a pointer to a struct")
	}
	callback, described = value, description
}

// Later is a number on its way from the device, asked for in one call and taken in a later one: without a wait. In a field
// with the tag `state` it is saved with what has arrived, so that a resumed run has the same bits.
type Later struct {
	pending *Deferred
	arrived *float64
}

// Ask asks for the element of a tensor, unless a number is on its way: Ask(ctx.Loss()). A value that this phase does not
// have, such as the loss of a skipped batch, is no failure.
func (l *Later) Ask(value *Tensor, err error) error {
	if l.pending != nil || l.arrived != nil || IsNotAvailable(err) {
		return nil
	}
	if err != nil {
		return err
	}
	l.pending, err = value.Defer()
	return err
}

// Take answers the number that was asked for, once, if it is here, or else nil.
func (l *Later) Take() (*float64, error) {
	if err := l.poll(); err != nil {
		return nil, err
	}
	value := l.arrived
	l.arrived = nil
	return value, nil
}

func (l *Later) poll() error {
	if l.pending == nil {
		return nil
	}
	value, err := l.pending.Poll()
	if err == nil && value != nil {
		l.pending.Drop()
		l.pending, l.arrived = nil, value
	}
	return err
}

// MarshalJSON saves the number if it has arrived.
func (l *Later) MarshalJSON() ([]byte, error) {
	if err := l.poll(); err != nil {
		return nil, err
	}
	return json.Marshal(l.arrived)
}

// UnmarshalJSON restores the number that had arrived.
func (l *Later) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &l.arrived) }

// ---- the exports ----

// answer lasts until the next call, and so does what it points to.
var answer [4]uint32
var answered []byte

func done(err error) unsafe.Pointer {
	answer = [4]uint32{}
	if err != nil {
		code := CodeOther
		if e := (*Error)(nil); errors.As(err, &e) {
			code = e.Code
		}
		answered = []byte(err.Error())
		answer = [4]uint32{1, uint32(code), address(unsafe.Pointer(unsafe.SliceData(answered))), uint32(len(answered))}
	}
	return unsafe.Pointer(&answer)
}

// reporting calls the author's code. A panic is reported with its stack, then the call ends as a trap: another panic would
// end it too, and Go would write the stack to the log once more.
func reporting(call func() error) error {
	defer func() {
		if reason := recover(); reason != nil {
			stack := stackOfPanic()
			place, callers, _ := strings.Cut(stack, "\n")
			ReportFailure(fmt.Sprint(reason), place, callers)
			runtime.Breakpoint() // Without a debugger it is the instruction that traps.
			panic(reason)
		}
	}()
	defer endCall()
	return call()
}

// stackOfPanic has the functions that the panic came through, one a line: from the first that is not Go's runtime to the
// author's last. Files of the project stand as seen from its folder.
func stackOfPanic() string {
	_, own, _, _ := runtime.Caller(0)
	own = own[:strings.LastIndex(own, "/")+1]
	project := own[:strings.LastIndex(own[:len(own)-1], "/")+1]
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(4, callers[:])]) // After Callers, this function, its caller, gopanic.
	var lines []string
	authors := 0
	for {
		frame, more := frames.Next()
		if len(lines) > 0 || !strings.HasPrefix(frame.Function, "runtime.") {
			file := strings.TrimPrefix(frame.File, project)
			if file != frame.File && !strings.HasPrefix(frame.File, own) {
				authors = len(lines) + 1
			}
			lines = append(lines, fmt.Sprintf("%s:%d in %s", file, frame.Line, frame.Function))
		}
		if !more {
			break
		}
	}
	return strings.Join(lines[:authors], "\n")
}

func atPhase(handle int32, call func(*PhaseContext) error) unsafe.Pointer {
	defer dropPhaseContext(handle)
	return done(reporting(func() error { return call(&PhaseContext{handle}) }))
}

func missing(name string) error {
	return fmt.Errorf("%T has no method %s(*phasebox.PhaseContext) error", callback, name)
}

// called has the phases of the world, with commas between them, if `phasebox build` made it from the source: called.go.
var called string

// checkMethods refuses a phase of the world without a method that can be called, and a method of another phase.
func checkMethods() {
	names := strings.Split(called, ",")
	for _, phase := range slices.Sorted(maps.Keys(hasPhase)) {
		isCalled, has := slices.Contains(names, phase), hasPhase[phase](callback)
		switch {
		case called == "" || isCalled == has:
		case isCalled:
			panic(missing(methodName(phase)))
		default:
			panic(fmt.Sprintf("%T.%s would never be called: write it as `func (c *T) %[2]s(`, on a line of its own", callback, methodName(phase)))
		}
	}
}

// methodName is OnEpochEnd for on-epoch-end.
func methodName(phase string) string {
	var name strings.Builder
	for _, word := range strings.Split(phase, "-") {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}

//go:wasmexport local:plugin/callback#describe
func exportDescribe() unsafe.Pointer {
	// The schema stands beside the fields of Description.
	type whole struct {
		Description
		Parameters map[string]any `json:"parameters"`
	}
	reporting(func() (err error) {
		if callback == nil {
			panic("there is no callback: call phasebox.Export in an init function")
		}
		checkMethods()
		members("state")
		answered, err = json.Marshal(whole{described, schema()})
		if err != nil {
			panic(err)
		}
		return nil
	})
	answer = [4]uint32{address(unsafe.Pointer(unsafe.SliceData(answered))), uint32(len(answered))}
	return unsafe.Pointer(&answer)
}

//go:wasmexport local:plugin/callback#configure
func exportConfigure(at, length uint32) unsafe.Pointer {
	params := memory[byte](at, length)
	return done(reporting(func() error {
		if err := configure(params); err != nil {
			return err
		}
		if own, ok := callback.(interface{ Configure() error }); ok {
			return own.Configure()
		}
		return nil
	}))
}

//go:wasmexport local:plugin/callback#check-run
func exportCheckRun(at, length uint32) unsafe.Pointer {
	facts := memory[byte](at, length)
	return done(reporting(func() error {
		if own, ok := callback.(interface{ CheckRun(facts []byte) error }); ok {
			return own.CheckRun(facts)
		}
		return nil
	}))
}

//go:wasmexport local:plugin/callback#save-state
func exportSaveState() unsafe.Pointer {
	var state []byte
	err := reporting(func() (err error) {
		state, err = save()
		return err
	})
	if err != nil {
		return done(err)
	}
	answered = state
	answer = [4]uint32{0, address(unsafe.Pointer(unsafe.SliceData(answered))), uint32(len(answered))}
	return unsafe.Pointer(&answer)
}

//go:wasmexport local:plugin/callback#load-state
func exportLoadState(at, length uint32) unsafe.Pointer {
	state := memory[byte](at, length)
	return done(reporting(func() error { return restore(state) }))
}

// ---- parameters and state ----

// member is a field of the callback with a tag.
type member struct {
	name  string
	tag   reflect.StructTag
	value reflect.Value
}

func members(kind string) []member {
	var found []member
	value := reflect.ValueOf(callback).Elem()
	for place := 0; place < value.NumField(); place++ {
		field := value.Type().Field(place)
		if name, ok := field.Tag.Lookup(kind); ok {
			if !field.IsExported() {
				panic(fmt.Sprintf("field %s has the tag %s and is not exported: begin its name with a capital", field.Name, kind))
			}
			found = append(found, member{name, field.Tag, value.Field(place)})
		}
	}
	return found
}

var bounds = []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}

// bound is a rule of the field's tag.
func (m member) bound(rule string) (float64, bool) {
	text, ok := m.tag.Lookup(rule)
	if !ok {
		return 0, false
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("field %s: %s is not a number: %q", m.name, rule, text))
	}
	return value, true
}

func (m member) schema() map[string]any {
	made := map[string]any{}
	if name := typeName(m.value.Type()); name != "" {
		made["type"] = name
	}
	if doc, ok := m.tag.Lookup("doc"); ok {
		made["description"] = doc
	}
	if text, ok := m.tag.Lookup("default"); ok {
		if err := json.Unmarshal(m.literal(text), reflect.New(m.value.Type()).Interface()); err != nil {
			panic(fmt.Sprintf("field %s: default is no %s: %q", m.name, m.value.Type(), text))
		}
		made["default"] = json.RawMessage(m.literal(text))
	}
	if m.value.CanUint() {
		made["minimum"] = 0
	}
	for _, rule := range bounds {
		if value, ok := m.bound(rule); ok {
			made[rule] = value
		}
	}
	return made
}

// literal is a default as JSON: a text needs no quotes in the tag.
func (m member) literal(text string) []byte {
	if m.value.Kind() == reflect.String {
		quoted, _ := json.Marshal(text)
		return quoted
	}
	return []byte(text)
}

func typeName(kind reflect.Type) string {
	switch kind.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	case reflect.Pointer, reflect.Interface:
		return ""
	}
	return "integer"
}

func schema() map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, m := range members("param") {
		properties[m.name] = m.schema()
		if _, optional := m.tag.Lookup("default"); !optional && m.value.Kind() != reflect.Pointer {
			required = append(required, m.name)
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

func configure(text []byte) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil {
		return Invalid("params is not a JSON object")
	}
	var known []string
	for _, m := range members("param") {
		value, ok := given[m.name]
		delete(given, m.name)
		known = append(known, m.name)
		if err := m.set(value, ok); err != nil {
			return err
		}
	}
	for name := range given {
		return Invalid("unknown parameter %q; known are %s", name, strings.Join(known, ", "))
	}
	return nil
}

func (m member) set(value json.RawMessage, ok bool) error {
	if !ok {
		text, optional := m.tag.Lookup("default")
		if !optional && m.value.Kind() != reflect.Pointer {
			return Invalid("parameter %q is missing: it has no default", m.name)
		}
		if !optional {
			return nil
		}
		value = m.literal(text)
	}
	if err := json.Unmarshal(value, m.value.Addr().Interface()); err != nil {
		return Invalid("parameter %q must be of the type %s, not %s", m.name, typeName(m.value.Type()), value)
	}
	return m.check()
}

func (m member) check() error {
	var value float64
	switch {
	case m.value.CanFloat():
		value = m.value.Float()
	case m.value.CanInt():
		value = float64(m.value.Int())
	case m.value.CanUint():
		value = float64(m.value.Uint())
	default:
		return nil
	}
	for place, allowed := range []func(bound float64) bool{
		func(bound float64) bool { return value >= bound }, func(bound float64) bool { return value <= bound },
		func(bound float64) bool { return value > bound }, func(bound float64) bool { return value < bound },
	} {
		if bound, ok := m.bound(bounds[place]); ok && !allowed(bound) {
			return Invalid("parameter %q is %v: its %s is %v", m.name, value, bounds[place], bound)
		}
	}
	return nil
}
