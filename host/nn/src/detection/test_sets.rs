//! Random sets of boxes for tests: the generator of `tests/reference/detection.py`, number for number.

use serde_json::Value;
use tch::{Device, Kind, Tensor};

/// A group of `tests/reference/detection.json`.
pub(crate) fn reference(group: &str) -> Value {
    let all = include_str!("../../../../tests/reference/detection.json");
    let all: Value = serde_json::from_str(all).expect("valid JSON");
    all[group].clone()
}

/// splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 33) % most
    }

    fn quarters(&mut self, least: i64, most: u64) -> f32 {
        (least + self.below(most) as i64) as f32 / 4.0
    }

    /// Left, top, width and height.
    pub(crate) fn bounds(&mut self) -> [f32; 4] {
        let (x, y) = (self.quarters(0, 1000), self.quarters(0, 700));
        [x, y, self.quarters(4, 440), self.quarters(4, 440)]
    }

    fn truth(&mut self, classes: u64) -> Boxed {
        let class = self.below(classes);
        let bounds = self.bounds();
        let is_crowd = self.below(8) == 0;
        Boxed {
            class,
            bounds,
            number: f32::from(u8::from(is_crowd)),
        }
    }

    fn detection(&mut self, classes: u64, truths: &[Boxed]) -> Boxed {
        let (class, bounds) = if !truths.is_empty() && self.below(4) > 0 {
            let near = truths[self.below(truths.len() as u64) as usize];
            let [x, y, width, height] = near.bounds;
            let is_changed = self.below(6) == 0;
            let class = if is_changed {
                self.below(classes)
            } else {
                near.class
            };
            let (x, y) = (x + self.quarters(-12, 25), y + self.quarters(-12, 25));
            let width = (width + self.quarters(-8, 17)).max(1.0);
            (
                class,
                [x, y, width, (height + self.quarters(-8, 17)).max(1.0)],
            )
        } else {
            (self.below(classes), self.bounds())
        };
        Boxed {
            class,
            bounds,
            number: (1 + self.below(50)) as f32 / 64.0,
        }
    }
}

impl Random {
    /// A detection near one of the last truths.
    fn near(&mut self, truths: &[Boxed]) -> Boxed {
        let place = truths.len() - 1 - self.below(truths.len() as u64) as usize;
        let Boxed { class, bounds, .. } = truths[place];
        let [x, y, width, height] = bounds;
        let (x, y) = (x + self.quarters(-24, 49), y + self.quarters(-24, 49));
        Boxed {
            class,
            bounds: [x, y, width, height],
            number: (1 + self.below(1023)) as f32 / 1024.0,
        }
    }
}

/// A box with its score, or with 1 for a crowd.
#[derive(Clone, Copy)]
pub(crate) struct Boxed {
    class: u64,
    bounds: [f32; 4],
    number: f32,
}

/// Images with truths and detections.
pub(crate) struct Set {
    pub(crate) classes: u64,
    pub(crate) images: Vec<(Vec<Boxed>, Vec<Boxed>)>,
    /// The divisor of each column of the target.
    pub(crate) unit: Tensor,
}

/// The tensors of a batch.
pub(crate) struct TestBatch {
    pub(crate) decoded: Tensor,
    pub(crate) target: Tensor,
    pub(crate) crowds: Tensor,
    pub(crate) inputs: Tensor,
}

impl Set {
    pub(crate) fn random(seed: u64) -> Set {
        let mut random = Random(seed);
        let classes = 1 + random.below(4);
        let mut images = Vec::new();
        for _ in 0..1 + random.below(6) {
            let count = random.below(9);
            let truths: Vec<Boxed> = (0..count).map(|_| random.truth(classes)).collect();
            let count = match random.below(10) {
                0 => 130,
                _ => 0,
            };
            let count = if count == 0 { random.below(14) } else { count };
            let found = (0..count).map(|_| random.detection(classes, &truths));
            let found = found.collect();
            images.push((truths, found));
        }
        Set {
            classes,
            images,
            unit: Tensor::ones([6], (Kind::Float, Device::Cpu)),
        }
    }

    /// As many truths and detections an image: the generator of `coco_speed.py`.
    pub(crate) fn many(images: usize, truths: usize, found: usize, classes: u64) -> Set {
        let mut random = Random(1);
        let mut set = Set {
            classes,
            images: Vec::new(),
            unit: Tensor::ones([6], (Kind::Float, Device::Cpu)),
        };
        for _ in 0..images {
            let all = (0..truths).map(|_| Boxed {
                class: random.below(classes),
                bounds: random.bounds(),
                number: 0.0,
            });
            let all: Vec<Boxed> = all.collect();
            let found = (0..found).map(|_| random.near(&all));
            let found = found.collect();
            set.images.push((all, found));
        }
        set
    }

    /// Decoded output of which each detection is a place, with rows that no detection fills.
    pub(crate) fn batch(&self, images: &[(Vec<Boxed>, Vec<Boxed>)]) -> TestBatch {
        let places = images.iter().map(|(_, found)| found.len()).max();
        let places = places.unwrap_or(0) + 1;
        let width = 5 + self.classes as usize;
        let mut decoded = vec![0f32; images.len() * places * width];
        let [mut target, mut crowds] = [vec![-1f32; 6], vec![-1f32; 6]];
        for (image, (truths, found)) in images.iter().enumerate() {
            for (place, found) in found.iter().enumerate() {
                let start = (image * places + place) * width;
                decoded[start..start + 4].copy_from_slice(&centered(found.bounds));
                decoded[start + 4] = 1.0;
                decoded[start + 5 + found.class as usize] = found.number;
            }
            for truth in truths {
                let rows = if truth.number == 1.0 {
                    &mut crowds
                } else {
                    &mut target
                };
                rows.extend([image as f32, truth.class as f32]);
                rows.extend(centered(truth.bounds));
            }
        }
        let [target, crowds] = [target, crowds].map(|rows| {
            Tensor::from_slice(&rows)
                .reshape([-1, 6])
                .f_div(&self.unit)
                .expect("6 columns")
        });
        let shape = [images.len(), places, width].map(|length| length as i64);
        TestBatch {
            decoded: Tensor::from_slice(&decoded).reshape(shape),
            target,
            crowds,
            inputs: Tensor::zeros(
                [images.len() as i64, 3, 240, 320],
                (Kind::Uint8, Device::Cpu),
            ),
        }
    }
}

fn centered([x, y, width, height]: [f32; 4]) -> [f32; 4] {
    [x + width / 2.0, y + height / 2.0, width, height]
}
