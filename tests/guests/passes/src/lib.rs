//! Runs the network beside the loop: what extra passes are for, each as its paper describes it.

use phasebox_sdk::prelude::*;

/// One use of extra passes.
#[derive(Parameters)]
struct Passes {
    /// The radius of sharpness-aware minimization (Foret et al. 2021); off at 0.
    #[default(0.0)]
    sam_radius: f64,
    /// The weight of a gradient penalty with norm 1 (Gulrajani et al. 2017); off at 0.
    #[default(0.0)]
    penalty_weight: f64,
    /// Passes with dropout at each validation batch, whose spread is logged (Gal and Ghahramani 2016).
    #[default(0)]
    dropout_passes: u32,
    /// Passes at each training batch whose results nobody uses.
    #[default(0)]
    idle_passes: u32,
}

#[callback(grants = ["passes", "gradients", "parameters", "loss"])]
impl Passes {
    fn on_train_batch_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.pass_idly(ctx)
    }

    /// The batch's own backward pass is still to come.
    fn on_train_batch_forward_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.pass_idly(ctx)
    }

    fn pass_idly(&self, ctx: &PhaseContext) -> Result<()> {
        let net = ctx.net()?;
        for mode in ["train", "evaluation"] {
            for _ in 0..self.idle_passes {
                net.forward(&[&ctx.inputs()?], mode)?;
            }
        }
        Ok(())
    }

    fn on_train_batch_loss_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.penalty_weight == 0.0 {
            return Ok(());
        }
        let penalty = ctx.gradient_penalty(&[&ctx.inputs()?], 1.0)?;
        ctx.log_tensor("penalty", &penalty)?;
        ctx.set_loss(&ctx.loss()?.add(&penalty, self.penalty_weight)?)
    }

    fn on_train_batch_gradient_step_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.sam_radius == 0.0 {
            return Ok(());
        }
        let net = ctx.net()?;
        let (parameters, gradients) = (net.parameters()?, net.gradients()?);
        let away = gradients.duplicate()?;
        let norm = away.norm(2.0)?.affine(1.0, 1e-12)?;
        away.mul_in_place(&norm.pow(-1.0)?.affine(self.sam_radius, 0.0)?)?;
        parameters.add_in_place(&away, 1.0)?;
        let loss = ctx.repeat_backward()?;
        parameters.add_in_place(&away, -1.0)?;
        ctx.log_tensor("loss_nearby", &loss)
    }

    fn on_validation_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.dropout_passes == 0 {
            return Ok(());
        }
        let (net, inputs) = (ctx.net()?, ctx.inputs()?);
        let mut probabilities = Vec::new();
        for _ in 0..self.dropout_passes {
            let preds = net.forward(&[&inputs], "train")?;
            probabilities.push(preds.get("preds")?.softmax(1)?);
        }
        let all: Vec<&Tensor> = probabilities.iter().collect();
        let spread = tensor::stack(&all, 0)?.std(&[0], true, false)?;
        ctx.log_tensor("spread", &spread.mean(&[], false)?)
    }
}
