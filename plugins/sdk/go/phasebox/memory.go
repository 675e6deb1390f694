package phasebox

import (
	"runtime"
	"unsafe"
)

// area holds answers of the host that need more than one value of WebAssembly. A pointer takes 8 bytes in Go for wasm, 4
// in the component: pointers in memory are uint32 here.
var (
	words  [8]uint64
	area   = unsafe.Slice((*byte)(unsafe.Pointer(&words)), len(words)*8)
	result = unsafe.Pointer(&words)
)

// given is memory that the host has written texts and lists to, until they are read.
var given = map[uint32][]uint64{}

// Handles that end with the call.
var madeTensors, madeGroups []int32
var ofTensors, ofGroups = &madeTensors, &madeGroups

//go:wasmexport cabi_realloc
func cabiRealloc(old, oldSize, align, size uint32) unsafe.Pointer {
	made := make([]uint64, size/8+1)
	if before, ok := given[old]; ok {
		copy(made, before)
		delete(given, old)
	}
	given[address(unsafe.Pointer(&made[0]))] = made
	return unsafe.Pointer(&made[0])
}

func address(at unsafe.Pointer) uint32 { return uint32(uintptr(at)) }

func load[T any](at uintptr) T { return *(*T)(unsafe.Add(result, at)) }

// memory is Go's from now on.
func memory[T any](start, length uint32) []T {
	if length == 0 {
		return nil
	}
	made := given[start]
	delete(given, start)
	return unsafe.Slice((*T)(unsafe.Pointer(&made[0])), length)
}

func list[T any](at uintptr) []T { return memory[T](load[uint32](at), load[uint32](at+4)) }

func text(at uintptr) string { return string(list[byte](at)) }

type rawText struct{ at, length uint32 }

type rawEntry struct {
	name  rawText
	value float64
}

func (raw rawText) String() string { return string(memory[byte](raw.at, raw.length)) }

func textList(at uintptr) []string {
	var made []string
	for _, raw := range list[rawText](at) {
		made = append(made, raw.String())
	}
	return made
}

func entryList(at uintptr) []ScalarEntry {
	var made []ScalarEntry
	for _, raw := range list[rawEntry](at) {
		made = append(made, ScalarEntry{raw.name.String(), raw.value})
	}
	return made
}

func shown(text string) rawText {
	return rawText{address(unsafe.Pointer(unsafe.StringData(text))), uint32(len(text))}
}

func texts(given []string) []rawText {
	var made []rawText
	for _, text := range given {
		made = append(made, shown(text))
	}
	return made
}

func entries(given []ScalarEntry) []rawEntry {
	var made []rawEntry
	for _, entry := range given {
		made = append(made, rawEntry{shown(entry.Name), entry.Value})
	}
	return made
}

// handled is a type of handles.
type handled interface{ own() int32 }

func (self *Tensor) own() int32      { return self.handle }
func (self *TensorGroup) own() int32 { return self.handle }

func handles[T handled](given []T) []int32 {
	var made []int32
	for _, one := range given {
		made = append(made, one.own())
	}
	return made
}

func taken[T handled](given []T, of *[]int32) []int32 {
	made := handles(given)
	for _, handle := range made {
		untrack(of, handle)
	}
	return made
}

func some(tensor *Tensor) (int32, int32) {
	if tensor == nil {
		return 0, 0
	}
	return 1, tensor.handle
}

func number[T any](value *T) (int32, T) {
	if value == nil {
		var zero T
		return 0, zero
	}
	return 1, *value
}

func maybe[T any](at uintptr, read func(uintptr) T, inner uintptr) *T {
	if area[at] == 0 {
		return nil
	}
	value := read(inner)
	return &value
}

func someTensor(at uintptr) *Tensor {
	if area[at] == 0 {
		return nil
	}
	return &Tensor{load[int32](at + 4)}
}

func someTensorGroup(at uintptr) *TensorGroup {
	if area[at] == 0 {
		return nil
	}
	return &TensorGroup{load[int32](at + 4)}
}

func bit(value bool) int32 {
	if value {
		return 1
	}
	return 0
}

// failed is the host's error.
func failed(at uintptr) error { return &Error{ErrorCode(area[at]), text(at + 4)} }

func track(of *[]int32, at uintptr) int32 {
	handle := load[int32](at)
	*of = append(*of, handle)
	return handle
}

// untrack says that the handle is given back already. It answers true, for what was kept too.
func untrack(of *[]int32, handle int32) bool {
	if of == nil {
		return true
	}
	for place, made := range *of {
		if made == handle {
			(*of)[place] = (*of)[len(*of)-1]
			*of = (*of)[:len(*of)-1]
			break
		}
	}
	return true
}

// endCall gives back what the call has not kept, in one crossing.
func endCall() {
	if len(madeTensors)+len(madeGroups) > 0 {
		contextReleaseCore(unsafe.Pointer(unsafe.SliceData(madeTensors)), int32(len(madeTensors)),
			unsafe.Pointer(unsafe.SliceData(madeGroups)), int32(len(madeGroups)))
		runtime.KeepAlive(madeTensors)
		madeTensors, madeGroups = madeTensors[:0], madeGroups[:0]
	}
}
