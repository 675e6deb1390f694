// One guest of the matrix: does what its parameter `task` names and says the outcome in lines of the log. All languages do
// the same; tests/it/matrix.rs has the lines that are due.
package main

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"matrix/phasebox"
)

const large = 4 << 20

// Matrix has the recipe's parameters and the callback's state.
type Matrix struct {
	Task  string `param:"task" default:"" doc:"The behavior"`
	Say   string `param:"say" default:"" doc:"A text to say"`
	Turns uint32 `param:"turns" default:"0" doc:"Calls after which it is enough"`

	Bytes []byte `state:"bytes"`
	Save  broken `state:"save"`

	calls uint32
	kept  *phasebox.Tensor
}

// broken is saved by code of the author.
type broken struct{ task string }

func (b *broken) MarshalJSON() ([]byte, error) {
	failAt(b.task, "save")
	return []byte("null"), nil
}

func (b *broken) UnmarshalJSON([]byte) error { return nil }

func init() {
	phasebox.Export(&Matrix{}, phasebox.Description{Name: "matrix", Version: "0.1.0", Summary: "Behaves as it is told"})
}

func main() {}

var names = []string{
	"invalid-argument", "shape-mismatch", "dtype-mismatch", "device-mismatch", "not-available", "stale-handle", "denied",
	"quota-exceeded", "too-large", "out-of-memory", "unsupported", "collective-mismatch", "peer-failed", "sharded",
	"timed-out", "interrupted", "conflict", "input-output", "other"}

// code says the contract's name of the error's code.
func code(err error) {
	var failure *phasebox.Error
	switch {
	case err == nil:
		phasebox.Infof("no error")
	case errors.As(err, &failure):
		phasebox.Infof("%s", names[failure.Code])
	default:
		phasebox.Infof("no error of the contract: %v", err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func full(value float64, dtype phasebox.Dtype, shape ...int64) *phasebox.Tensor {
	return must(phasebox.Full(shape, value, dtype, ""))
}

func number(value float64) *phasebox.Tensor { return full(value, phasebox.DtypeFloat32) }

func sum(tensor *phasebox.Tensor) float64 { return must(must(tensor.Sum(nil, false)).Item()) }

// shown is a float as all languages write it.
func shown(value float64) string {
	switch {
	case math.IsNaN(value):
		return "nan"
	case math.IsInf(value, 1):
		return "inf"
	case math.IsInf(value, -1):
		return "-inf"
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}

func failAt(task, place string) {
	if task == "panic-"+place {
		panic("it broke on purpose, ⅓ 💡") // the panic
	}
}

func (m *Matrix) Configure() error {
	m.Save.task = m.Task
	failAt(m.Task, "configure")
	return nil
}

func (m *Matrix) OnTrainingStart(ctx *phasebox.PhaseContext) error {
	failAt(m.Task, "start")
	switch m.Task {
	case "errors":
		failures(ctx)
	case "options":
		epoch(ctx)
	}
	return nil
}

func (m *Matrix) OnTrainBatchStart(ctx *phasebox.PhaseContext) error      { return m.turn(ctx) }
func (m *Matrix) OnTrainBatchForwardEnd(ctx *phasebox.PhaseContext) error { return m.turn(ctx) }
func (m *Matrix) OnTrainBatchLossEnd(ctx *phasebox.PhaseContext) error {
	failAt(m.Task, "loss")
	return m.turn(ctx)
}
func (m *Matrix) OnTrainBatchBackwardEnd(ctx *phasebox.PhaseContext) error       { return m.turn(ctx) }
func (m *Matrix) OnTrainBatchGradientStepStart(ctx *phasebox.PhaseContext) error { return m.turn(ctx) }
func (m *Matrix) OnTrainBatchGradientReady(ctx *phasebox.PhaseContext) error     { return m.turn(ctx) }
func (m *Matrix) OnTrainBatchOptimizerStepped(ctx *phasebox.PhaseContext) error  { return m.turn(ctx) }
func (m *Matrix) OnTrainBatchGradientStepEnd(ctx *phasebox.PhaseContext) error   { return m.turn(ctx) }

func (m *Matrix) OnTrainBatchEnd(ctx *phasebox.PhaseContext) error {
	if err := m.turn(ctx); err != nil {
		return err
	}
	step := ctx.GlobalStep()
	if step == 1 {
		m.firstStep(ctx)
	}
	switch m.Task {
	case "handles":
		m.handles(step)
	case "stale":
		m.stale(step)
	case "own-error":
		return &phasebox.Error{Code: phasebox.CodeConflict, Message: "it may not, ⅓ 💡"}
	case "state":
		if step > 1 {
			m.showState()
		}
	case "recover":
		if step <= 1 {
			panic("the first strike")
		}
		phasebox.Infof("alive again")
	}
	return nil
}

func (m *Matrix) OnTrainLoaderEnd(ctx *phasebox.PhaseContext) error {
	if m.Task != "texts" {
		return nil
	}
	if err := ctx.PublishMetric("é ⅓ 💡", 1); err != nil {
		return err
	}
	for _, entry := range ctx.MetricsDict() {
		if strings.HasSuffix(entry.Name, "💡") {
			phasebox.Infof("%s", entry.Name)
		}
	}
	return nil
}

func (m *Matrix) OnValidationBatchEnd(ctx *phasebox.PhaseContext) error {
	failAt(m.Task, "validation")
	return nil
}

func (m *Matrix) OnTrainingEnd(ctx *phasebox.PhaseContext) error {
	failAt(m.Task, "end")
	return nil
}

// turn takes a handle and gives it back to nobody; or asks the host so many times.
func (m *Matrix) turn(ctx *phasebox.PhaseContext) error {
	if m.Task == "costs" {
		for asked := uint32(0); asked < m.Turns; asked++ {
			ctx.GlobalStep()
		}
	}
	if m.Task != "turns" {
		return nil
	}
	m.calls++
	if _, err := ctx.Parameters(); err != nil {
		return err
	}
	if m.calls == m.Turns {
		return ctx.DisableSelf("that is enough")
	}
	return nil
}

func (m *Matrix) firstStep(ctx *phasebox.PhaseContext) {
	switch m.Task {
	case "twice":
		made := number(7)
		made.Drop()
		made.Drop()
		phasebox.Infof("alive")
	case "texts":
		phasebox.Infof("%s", m.Say)
		phasebox.Infof("a\x00b é ⅓ 💡 \U0010ffff")
	case "options":
		options(ctx)
	case "lists":
		lists()
	case "integers":
		integers(ctx)
	case "numbers":
		numbers(ctx)
	case "state":
		m.Bytes = make([]byte, 256)
		for value := range m.Bytes {
			m.Bytes[value] = byte(value)
		}
	}
}

func (m *Matrix) handles(step uint64) {
	if step == 1 {
		one := full(1.5, phasebox.DtypeFloat32, 2, 3)
		two := must(one.Add(one, 1))
		phasebox.Infof("%v %v", sum(two), sum(one))
		m.kept = must(number(7).Keep())
	}
	if step == 2 {
		phasebox.Infof("kept %v", must(m.kept.Item()))
		m.kept.Drop()
		phasebox.Infof("released later")
	}
}

func (m *Matrix) stale(step uint64) {
	if step == 1 {
		m.kept = number(7)
	}
	if step == 2 {
		_, err := m.kept.Item()
		code(err)
	}
}

func (m *Matrix) showState() {
	whole := len(m.Bytes) == 256
	for value, found := range m.Bytes {
		whole = whole && int(found) == value
	}
	if whole {
		phasebox.Infof("state whole")
	} else {
		phasebox.Infof("state damaged")
	}
}

func failures(ctx *phasebox.PhaseContext) {
	two, three := full(1, phasebox.DtypeFloat32, 2), full(1, phasebox.DtypeFloat32, 3)
	_, err := two.Add(three, 1)
	code(err)
	_, err = ctx.Preds()
	code(err)
	code(ctx.RequestStop("batch", ""))
	_, err = phasebox.Zeros([]int64{2}, phasebox.DtypeOther, "")
	code(err)
	_, err = phasebox.Zeros([]int64{1 << 40}, phasebox.DtypeFloat32, "")
	code(err)
	_, err = ctx.LearningRate("nobody")
	code(err)
}

func epoch(ctx *phasebox.PhaseContext) {
	if value := ctx.Epoch(); value != nil {
		phasebox.Infof("epoch some %d", *value)
	} else {
		phasebox.Infof("epoch none")
	}
}

func options(ctx *phasebox.PhaseContext) {
	epoch(ctx)
	if ctx.Metric("nobody") == nil {
		phasebox.Infof("metric none")
	}
	three, low, high := number(3), 2.0, 5.0
	phasebox.Infof("%v", must(must(three.Clamp(nil, &low)).Item()))
	phasebox.Infof("%v", must(must(three.Clamp(&high, nil)).Item()))
}

func lists() {
	values := make([]float32, large)
	for index := range values {
		values[index] = float32(index % 7)
	}
	given := must(phasebox.FromF32([]int64{large}, values, ""))
	total := sum(must(given.ToDtype(phasebox.DtypeFloat64)))
	back := must(given.ReadF32(0, large))
	read := 0.0
	for _, value := range back {
		read += float64(value)
	}
	phasebox.Infof("%d %.0f %.0f", len(back), total, read)
}

func integers(ctx *phasebox.PhaseContext) {
	given := must(phasebox.FromS64([]int64{3}, []int64{math.MinInt64, math.MaxInt64, -1}, ""))
	back := must(given.ReadS64(0, 3))
	phasebox.Infof("%d %d %d", back[0], back[1], back[2])
	phasebox.Infof("%d", ctx.Seed())
	_, err := given.ReadS64(math.MaxUint64, 1)
	code(err)
}

func numbers(ctx *phasebox.PhaseContext) {
	inf, minusZero := float32(math.Inf(1)), float32(math.Copysign(0, -1))
	given := must(phasebox.FromF32([]int64{5}, []float32{float32(math.NaN()), inf, -inf, minusZero, 3}, ""))
	var line []string
	for _, value := range must(given.ReadF32(0, 5)) {
		line = append(line, shown(float64(value)))
	}
	phasebox.Infof("%s", strings.Join(line, " "))
	for _, value := range []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(-1)} {
		if must(full(value, phasebox.DtypeFloat64).Item()) == value {
			phasebox.Infof("exact")
		} else {
			phasebox.Infof("changed")
		}
	}
	must(0, ctx.LogScalar("nan", math.NaN()))
	must(0, ctx.LogScalar("é ⅓ 💡", math.MaxFloat64))
}
