//! Logs how large gradients are and how far a step moves the weights. Norms stay on the device and
//! do not sync; histograms do.

use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::Value;

/// Logs the norm of the final gradients and the ratio of update to weights.
#[derive(Parameters)]
struct GradNormMonitor {
    /// Look at every n-th optimizer step.
    #[default(1)]
    every_n_steps: u64,
    /// The order of the norms.
    #[default(2.0)]
    norm_type: f64,
    /// The parameters to look at, such as `backbone.*`.
    #[default("*".into())]
    parameter_glob: String,
    /// Also log the norm of each parameter's gradient: two crossings each.
    #[default(false)]
    per_layer: bool,
    /// Log how far the step moves the weights: costs a copy of them.
    #[default(true)]
    update_ratio: bool,
    /// Log a histogram of each parameter's gradient with so many bins.
    histogram_bins: Option<u32>,
    /// The weights before the last step that was looked at.
    #[skip]
    before: Option<TensorGroup>,
    /// The step in progress is looked at.
    #[skip]
    is_watched: bool,
}

#[callback(grants = ["sync"])]
impl GradNormMonitor {
    fn configure(&mut self) -> Result<()> {
        if self.every_n_steps == 0 {
            return Err(Error::invalid(
                "parameter `every_n_steps`: at least 1 is needed",
            ));
        }
        Ok(())
    }

    fn check_run(&mut self, facts: &Value) -> Result<()> {
        let Some(names) = facts["network"]["parameters"].as_array() else {
            return Ok(());
        };
        let glob = &self.parameter_glob;
        let mut names = names.iter().filter_map(Value::as_str);
        if names.clone().count() == 0 || names.any(|name| may_match(glob, name)) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "parameter `parameter_glob`: the network has no parameter like `{glob}`"
        )))
    }

    fn on_train_batch_gradient_ready(&mut self, ctx: &PhaseContext) -> Result<()> {
        if !self.is_due(ctx) {
            return Ok(());
        }
        let gradients = self.chosen(ctx.gradients()?)?;
        ctx.log_tensor("grad_norm", &gradients.norm(self.norm_type)?)?;
        if self.per_layer {
            self.log_layers(&gradients, ctx)?;
        }
        if let Some(bins) = self.histogram_bins {
            log_histograms(&gradients, &ctx.sg_logger()?, bins)?;
        }
        if self.update_ratio {
            self.copy_weights(&self.chosen(ctx.parameters()?)?)?;
        }
        Ok(())
    }

    fn on_train_batch_optimizer_stepped(&mut self, ctx: &PhaseContext) -> Result<()> {
        let before = match &self.before {
            Some(before) if self.is_watched => before,
            _ => return Ok(()),
        };
        let weights = self.chosen(ctx.parameters()?)?;
        let ratio = weights.relative_change(before, self.norm_type)?;
        ctx.log_tensor("update_ratio", &ratio)?;
        self.is_watched = false;
        Ok(())
    }

    fn is_due(&self, ctx: &PhaseContext) -> bool {
        self.every_n_steps == 1 || ctx.global_step().is_multiple_of(self.every_n_steps)
    }

    /// The members that the parameter `parameter_glob` names.
    fn chosen(&self, all: TensorGroup) -> Result<TensorGroup> {
        match self.parameter_glob.as_str() {
            "*" => Ok(all),
            glob => all.matching(glob),
        }
    }

    /// The memory of the first copy serves all later ones.
    fn copy_weights(&mut self, weights: &TensorGroup) -> Result<()> {
        self.is_watched = true;
        match &self.before {
            Some(before) => before.copy_in_place(weights),
            None => {
                self.before = Some(weights.duplicate()?);
                Ok(())
            }
        }
    }

    fn log_layers(&self, gradients: &TensorGroup, ctx: &PhaseContext) -> Result<()> {
        let norms = gradients.norms(self.norm_type)?;
        for (index, name) in gradients.names()?.iter().enumerate() {
            let norm = norms.select(0, index as i64)?;
            ctx.log_tensor(&format!("grad_norm/{name}"), &norm)?;
        }
        Ok(())
    }
}

/// True if a glob matches `name`, or if it has more than stars in it: only the host knows those.
fn may_match(glob: &str, name: &str) -> bool {
    if glob.contains(['?', '[', ']', '{', '}', '\\', '!']) {
        return true;
    }
    let Some((beginning, rest)) = glob.split_once('*') else {
        return glob == name;
    };
    let Some(mut name) = name.strip_prefix(beginning) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(end)
}

fn log_histograms(gradients: &TensorGroup, logger: &Logger, bins: u32) -> Result<()> {
    for name in gradients.names()? {
        logger.histogram(&format!("grad/{name}"), &gradients.get(&name)?, bins)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (glob, name, expected) in [
            ("fc.weight", "fc.weight", true),
            ("fc.weight", "fc.bias", false),
            ("layer*", "layer1.0.conv1.weight", true),
            ("*.bias", "hidden.0.bias", true),
            ("*.bias", "hidden.0.weight", false),
            ("h*0*s", "hidden.0.bias", true),
            ("h*1*s", "hidden.0.bias", false),
            ("*", "fc.bias", true),
            ("[a-c]*", "fc.bias", true),
        ] {
            assert_eq!(may_match(glob, name), expected, "{glob} on {name}");
        }
    }
}
