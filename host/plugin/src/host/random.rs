//! Random numbers for one callback. They are drawn on the host from a generator of its own, so that a
//! callback never changes the run's numbers, gets the same ones on every device, and its whole state is
//! one counter that a checkpoint keeps.
//!
//! SplitMix64 (Steele, Lea, Flood 2014) in counter mode: draw `i` is a hash of `seed + i`.

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A generator whose state is the number of draws made.
pub(crate) struct Random {
    seed: u64,
    pub(crate) draws: u64,
}

impl Random {
    /// Differs between callbacks of a run and between runs of different seeds.
    pub(crate) fn new(run_seed: u64, callback: &str) -> Random {
        let seed = callback
            .bytes()
            .fold(run_seed, |seed, byte| mix(seed ^ u64::from(byte)));
        Random {
            seed: mix(seed),
            draws: 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.draws += 1;
        mix(self
            .seed
            .wrapping_add(self.draws.wrapping_mul(GOLDEN_GAMMA)))
    }

    /// Uniform in [0, 1), 24 bits: every value is an exact f32.
    pub(crate) fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Standard normal, by Box and Muller (1958); two draws each.
    pub(crate) fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - f64::from(self.uniform())).ln()).sqrt();
        (radius * (std::f64::consts::TAU * f64::from(self.uniform())).cos()) as f32
    }

    /// A random order of 0..n, by Fisher and Yates.
    pub(crate) fn permutation(&mut self, n: u32) -> Vec<i64> {
        let mut order: Vec<i64> = (0..i64::from(n)).collect();
        for last in (1..order.len()).rev() {
            // The bias of the remainder is below 2⁻³² for these lengths.
            let other = (self.next() % (last as u64 + 1)) as usize;
            order.swap(last, other);
        }
        order
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut random = Random::new(42, "ema");
        let n = 100_000;
        let uniform: f64 = (0..n).map(|_| f64::from(random.uniform())).sum::<f64>() / f64::from(n);
        let normals: Vec<f64> = (0..n).map(|_| f64::from(random.normal())).collect();
        let variance = normals.iter().map(|x| x * x).sum::<f64>() / f64::from(n);
        assert!(
            (uniform - 0.5).abs() < 0.005 && (variance - 1.0).abs() < 0.02,
            "{uniform} {variance}"
        );
    }

    #[test]
    fn the_number_of_draws_is_the_whole_state() {
        let mut random = Random::new(1, "a");
        (0..7).for_each(|_| assert!(random.normal().is_finite()));
        let mut again = Random {
            seed: random.seed,
            draws: random.draws,
        };
        assert_eq!(random.uniform(), again.uniform());
        assert_ne!(Random::new(1, "a").uniform(), Random::new(1, "b").uniform());
        let mut order = random.permutation(100);
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<i64>>());
    }
}
