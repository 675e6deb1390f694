//! Parts of annotations that are left out and counted: boxes without an area or outside of their image, and others. Knows no
//! format.

const OUTSIDE: &str = "boxes outside of their image";

/// Numbers of things that are not used, for the line that `check` shows.
#[derive(Debug, Default)]
pub(super) struct LeftOut(Vec<(&'static str, usize)>);

impl LeftOut {
    /// Counts `count` more of a kind, which is in the plural.
    pub(super) fn add(&mut self, kind: &'static str, count: usize) {
        match self.0.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, sum)) => *sum += count,
            None => self.0.push((kind, count)),
        }
    }

    /// The number of boxes outside of their image so far.
    pub(super) fn outside(&self) -> usize {
        let found = self.0.iter().find(|(kind, _)| *kind == OUTSIDE);
        found.map_or(0, |(_, count)| *count)
    }

    /// All kinds with their numbers; empty where nothing is left out.
    pub(super) fn words(&self) -> String {
        let counted = self.0.iter().filter(|(_, count)| *count > 0);
        let words: Vec<String> = counted
            .map(|(kind, count)| format!("{kind} ({count})"))
            .collect();
        match words.is_empty() {
            true => String::new(),
            false => format!("left out: {}", words.join(", ")),
        }
    }
}

/// A box cut at the edges of an image of `[width, height]`; nothing, counted, where no area is left. Corners must be
/// numbers.
pub(super) fn clipped(
    [left, top, right, bottom]: [f64; 4],
    [width, height]: [f64; 2],
    left_out: &mut LeftOut,
) -> Option<[f32; 4]> {
    if right <= left || bottom <= top {
        left_out.add("boxes without an area", 1);
        return None;
    }
    let cut = [
        left.clamp(0.0, width),
        top.clamp(0.0, height),
        right.clamp(0.0, width),
        bottom.clamp(0.0, height),
    ];
    let cut = cut.map(|place| place as f32);
    if cut[2] <= cut[0] || cut[3] <= cut[1] {
        left_out.add(OUTSIDE, 1);
        return None;
    }
    Some(cut)
}
