// {{name}}: smooths the loss, logs it, and ends the training when it no longer falls.
package main

import "{{name}}/phasebox"

// {{type}} has the recipe's parameters and the callback's state.
type {{type}} struct {
	Smoothing float64 `param:"smoothing" default:"0.9" minimum:"0" exclusiveMaximum:"1" doc:"The share of the old value in each new one"`
	Patience  uint32  `param:"patience" default:"50" minimum:"1" doc:"Values without a new best before the stop"`

	Smoothed *float64       `state:"smoothed"`
	Best     float64        `state:"best"`
	Wait     uint32         `state:"wait"`
	Loss     phasebox.Later `state:"loss"`
}

func init() {
	phasebox.Export(&{{type}}{}, phasebox.Description{
		Name:    "{{name}}",
		Version: "0.1.0",
		Summary: "Logs a smoothed loss and stops when it no longer falls",
		Grants:  []string{"stop"},
	})
}

func (s *{{type}}) OnTrainBatchEnd(ctx *phasebox.PhaseContext) error {
	loss, err := s.Loss.Take()
	if err != nil {
		return err
	}
	if loss != nil {
		if err := ctx.LogScalar("smoothed_loss", s.update(*loss)); err != nil {
			return err
		}
		if s.Wait >= s.Patience {
			if err := ctx.RequestStop("batch", "the smoothed loss no longer falls"); err != nil {
				return err
			}
		}
	}
	return s.Loss.Ask(ctx.Loss())
}

func (s *{{type}}) update(loss float64) float64 {
	first := s.Smoothed == nil
	if !first {
		loss = s.Smoothing**s.Smoothed + (1-s.Smoothing)*loss
	}
	s.Smoothed = &loss
	s.Wait++
	if first || loss < s.Best {
		s.Best, s.Wait = loss, 0
	}
	return loss
}
{{phases}}

func main() {}
