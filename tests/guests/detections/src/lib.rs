//! Logs of each validation batch the values of a metric over it alone, and how far boxes that are decoded from raw levels
//! are from the network's own; writes truth and detections for `tests/reference/coco_run.py`.

use phasebox_sdk::detections::{PostPrediction, Shown, decode};
use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::{Value, json};

/// Logs numbers of each validation batch.
#[derive(Parameters)]
struct Detections {
    /// An entry of a list of metrics.
    metric: Value,
    /// The network gives raw levels beside decoded boxes.
    #[default(false)]
    has_levels: bool,
    /// Write the boxes of each batch, with this way to detections.
    write: Option<PostPrediction>,
}

#[callback(grants = ["files", "sync"])]
impl Detections {
    fn on_validation_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        let batch = ctx.batch_idx().unwrap_or(0);
        for entry in ctx.batch_metric(&self.metric.to_string())? {
            ctx.log(&format!("batch_{batch}/{}", entry.name), entry.value)?;
        }
        if self.has_levels {
            log_distance(ctx)?;
        }
        match &self.write {
            Some(post_prediction) => write(ctx, post_prediction, batch),
            None => Ok(()),
        }
    }
}

fn log_distance(ctx: &PhaseContext) -> Result<()> {
    let preds = ctx.preds_group()?;
    let levels = [preds.get("p3")?, preds.get("p4")?, preds.get("p5")?];
    let height = ctx.inputs()?.shape()?[2];
    let decoded = decode(&levels, height)?;
    let distance = decoded.sub(&preds.get("decoded")?)?.abs()?.max_all()?;
    ctx.log_tensor("distance", &distance)?;
    ctx.log_tensor("size", &decoded.abs()?.max_all()?)
}

/// Writes the rows of the target, and of each image the class, the corners and the score of what was found.
fn write(ctx: &PhaseContext, post_prediction: &PostPrediction, batch: u64) -> Result<()> {
    let shown = Shown::of(ctx, None, 1)?;
    let mut found = Vec::new();
    for image in 0..shown.images()? {
        let boxes = post_prediction.found(&shown.decoded.select(0, image)?)?;
        let rows = boxes.rows()?.into_iter();
        found.push(
            rows.map(|(class, corners, score)| json!([class, corners, score]))
                .collect(),
        );
    }
    let found: Vec<Value> = found;
    let count = shown.target.shape()?.iter().product::<i64>();
    let target = shown.target.read_f32(0, count as u32)?;
    let all = json!({ "target": target, "found": found });
    let name = format!("batch_{batch}.json");
    ctx.sg_logger()?.artifact(&name, all.to_string().as_bytes())
}
