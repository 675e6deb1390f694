// The probe in big Go, with the ABI of components written by hand: `go build` makes a module that imports WASI preview 1.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
	"unsafe"
)

var deed = "print"

var deeds = map[string]func(){
	"print":       func() { fmt.Println("printed, é") },
	"log":         func() { fmt.Fprintln(os.Stderr, "logged") },
	"raise":       func() { panic(errors.New("my own message")) },
	"exit":        func() { os.Exit(3) },
	"open":        func() { _, err := os.Open("/etc/passwd"); fmt.Println(err) },
	"connect":     func() { _, err := net.Dial("tcp", "127.0.0.1:80"); fmt.Println(err) },
	"environment": func() { fmt.Println(len(os.Environ()), "variables,", len(os.Args), "arguments") },
	"input":       func() { _, err := bufio.NewReader(os.Stdin).ReadString('\n'); fmt.Println(err) },
	"clocks":      clocks,
	"random":      func() { bytes := make([]byte, 8); rand.Read(bytes); fmt.Printf("%x\n", bytes) },
	"goroutines":  goroutines,
}

func clocks() {
	begun := time.Now()
	time.Sleep(time.Hour)
	fmt.Println("year", begun.UTC().Year(), "slept", time.Since(begun).Round(time.Second))
}

func goroutines() {
	sums := make(chan int)
	for i := range 100 {
		go func() { sums <- i }()
	}
	sum := 0
	for range 100 {
		sum += <-sums
	}
	fmt.Println("sum", sum)
}

//go:wasmimport phasebox:train/context@0.1.0 [resource-drop]phase-context
func dropContext(handle int32)

// Memory that the host fills, kept from the collector until the call that it is for.
var lent [][]byte

//go:wasmexport cabi_realloc
func realloc(old, oldSize, align, size uint32) unsafe.Pointer {
	block := make([]byte, size+1)
	lent = append(lent, block)
	return unsafe.Pointer(&block[0])
}

// A result without an error.
var done [16]byte

//go:wasmexport phasebox:probe/callback@0.1.0#configure
func configure(params unsafe.Pointer, length uint32) unsafe.Pointer {
	var named struct{ Do string }
	if json.Unmarshal(unsafe.Slice((*byte)(params), length), &named) == nil && named.Do != "" {
		deed = named.Do
	}
	lent = nil
	return unsafe.Pointer(&done)
}

//go:wasmexport phasebox:probe/callback@0.1.0#on-train-batch-end
func onTrainBatchEnd(context int32) unsafe.Pointer {
	dropContext(context)
	deeds[deed]()
	return unsafe.Pointer(&done)
}

func main() {}
