//! `CollateMixup`: images and classes mixed with those of the batch in reverse order, or a rectangle of one cut into the
//! other; one draw a batch. After timm, as SuperGradients has it.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::stack::{batch, stacked_target, targets};
use super::{Collate, Facts};
use crate::Batch;
use crate::random::Random;
use crate::sample::Sample;

/// Mixup (Zhang et al. 2018) with `mixup_alpha` above 0, CutMix (Yun et al. 2019) with `cutmix_alpha` above 0; with both,
/// `switch_prob` is the probability of CutMix. Targets become float32 `[N, classes]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mixup {
    mixup_alpha: f64,
    cutmix_alpha: f64,
    /// The probability that a batch is mixed at all.
    prob: f64,
    switch_prob: f64,
    mode: Mode,
    label_smoothing: f64,
    /// The data set's number of classes unless given.
    num_classes: Option<usize>,
}

/// The things that share a draw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    #[default]
    Batch,
}

impl Default for Mixup {
    fn default() -> Self {
        Self {
            mixup_alpha: 1.0,
            cutmix_alpha: 0.0,
            prob: 1.0,
            switch_prob: 0.5,
            mode: Mode::Batch,
            label_smoothing: 0.1,
            num_classes: None,
        }
    }
}

/// The decision for a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mix {
    /// The share of the own image.
    Blend(f64),
    /// `[top, left]` and `[height, width]` of the rectangle that comes from the other image.
    Cut([i64; 2], [i64; 2]),
}

impl Mixup {
    fn draw(&self, [height, width]: [i64; 2], random: &mut Random) -> Mix {
        if random.unit() >= self.prob {
            return Mix::Blend(1.0);
        }
        let cuts = self.cutmix_alpha > 0.0;
        let is_cut = cuts && (self.mixup_alpha <= 0.0 || random.unit() < self.switch_prob);
        let alpha = if is_cut {
            self.cutmix_alpha
        } else {
            self.mixup_alpha
        };
        let share = random.beta(alpha, alpha);
        if !is_cut {
            return Mix::Blend(share);
        }
        let part = (1.0 - share).sqrt();
        let sides = [height, width].map(|side| ((side as f64 * part) as i64, side));
        let spans = sides.map(|(part, side)| {
            let middle = random.below(side as u64) as i64;
            let first = (middle - part / 2).clamp(0, side);
            (first, (middle + part / 2).clamp(0, side) - first)
        });
        Mix::Cut([spans[0].0, spans[1].0], [spans[0].1, spans[1].1])
    }

    fn classes(&self, facts: &Facts<'_>) -> Result<i64> {
        let classes = self.num_classes.or(facts.classes);
        let classes = classes.context("give `num_classes`: the data set has no classes")?;
        ensure!(
            facts.classes.is_none_or(|own| own <= classes),
            "`num_classes` is {classes}, the data set has {}",
            facts.classes.unwrap_or_default()
        );
        Ok(classes as i64)
    }

    /// Smoothed probabilities of the classes `[N]`.
    fn soft(&self, classes: &Tensor, count: i64) -> Result<Tensor> {
        let off = self.label_smoothing / count as f64;
        let on = 1.0 - self.label_smoothing + off;
        let hot = classes.f_one_hot(count)?.f_to_kind(Kind::Float)?;
        Ok(hot.f_mul_scalar(on - off)?.f_add_scalar(off)?)
    }
}

impl Collate for Mixup {
    fn collate(
        &self,
        samples: Vec<Sample>,
        facts: &Facts<'_>,
        random: &mut Random,
    ) -> Result<Batch> {
        let target = targets(&samples, stacked_target)?;
        let facts = Facts {
            keeps_bytes: false,
            ..*facts
        };
        let batch = batch(samples, target, &facts)?;
        let images = batch.inputs.single("inputs")?;
        let size = images.size();
        let &[_, _, height, width] = size.as_slice() else {
            anyhow::bail!("`CollateMixup` mixes images, samples here have shape {size:?}");
        };
        let mix = self.draw([height, width], random);
        let classes = batch.target.single("targets")?;
        ensure!(
            classes.kind() == Kind::Int64 && classes.dim() == 1,
            "`CollateMixup` mixes classes, targets here are something else"
        );
        let soft = self.soft(classes, self.classes(&facts)?)?;
        let share = share(mix, [height, width]);
        let target = blended(&soft, share)?;
        let inputs = match mix {
            Mix::Blend(share) => blended(images, share)?,
            Mix::Cut(at, size) => cut(images, at, size)?,
        };
        Ok(Batch {
            inputs: inputs.into(),
            target: target.into(),
            ..batch
        })
    }

    fn output(&self, shape: &[i64], facts: &Facts<'_>) -> Result<Vec<i64>> {
        let alphas = [self.mixup_alpha, self.cutmix_alpha];
        ensure!(
            alphas.iter().all(|alpha| (0.0..=1000.0).contains(alpha)) && alphas != [0.0, 0.0],
            "`mixup_alpha` and `cutmix_alpha` must be in [0, 1000], one of them above 0: they are {alphas:?}"
        );
        for (name, value) in [
            ("prob", self.prob),
            ("switch_prob", self.switch_prob),
            ("label_smoothing", self.label_smoothing),
        ] {
            ensure!(
                (0.0..=1.0).contains(&value),
                "`{name}` must be in [0, 1], it is {value}"
            );
        }
        ensure!(
            shape.len() == 3,
            "`CollateMixup` mixes images, samples here have shape {shape:?}"
        );
        self.classes(facts)?;
        Ok(shape.to_vec())
    }
}

/// The share of the own image in a batch.
fn share(mix: Mix, [height, width]: [i64; 2]) -> f64 {
    match mix {
        Mix::Blend(share) => share,
        Mix::Cut(_, [rows, columns]) => 1.0 - (rows * columns) as f64 / (height * width) as f64,
    }
}

/// The own share and the rest of the batch in reverse order.
fn blended(own: &Tensor, share: f64) -> Result<Tensor> {
    let other = own.f_flip([0])?.f_mul_scalar(1.0 - share)?;
    Ok(own.f_mul_scalar(share)?.f_add(&other)?)
}

fn cut(images: &Tensor, [top, left]: [i64; 2], [height, width]: [i64; 2]) -> Result<Tensor> {
    let mut out = images.f_empty_like()?;
    out.f_copy_(images)?;
    let other = images.f_flip([0])?;
    let part = other.f_narrow(2, top, height)?.f_narrow(3, left, width)?;
    let mut place = out.f_narrow(2, top, height)?.f_narrow(3, left, width)?;
    place.f_copy_(&part)?;
    Ok(out)
}
