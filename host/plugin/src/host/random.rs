//! Random numbers for one callback, drawn on the host from a generator of the callback's own. So a callback
//! never changes the run's numbers and gets the same ones on every device, and its whole state is one counter,
//! which a checkpoint keeps.

use phasebox_data::mix;

/// A generator whose state is the number of draws made.
pub(crate) struct Random {
    seed: u64,
    pub(crate) draws: u64,
}

impl Random {
    /// A generator that differs between callbacks of a run, and between runs of different seeds.
    pub(crate) fn new(run_seed: u64, callback: &str) -> Random {
        let bytes = callback.bytes().map(u64::from);
        let seed = bytes.fold(run_seed, |seed, byte| mix(seed ^ byte));
        Random {
            seed: mix(seed),
            draws: 0,
        }
    }

    fn next(&mut self) -> u64 {
        let mut numbers = phasebox_data::Random::after(self.seed, self.draws);
        // A checkpoint may have any number.
        self.draws = self.draws.wrapping_add(1);
        numbers.next_u64()
    }

    /// One number for the guest itself.
    pub(crate) fn draw(&mut self) -> u64 {
        self.next()
    }

    /// The seed of the numbers that one pass through the network draws.
    pub(crate) fn seed_of_pass(&mut self) -> u64 {
        self.next()
    }

    /// Uniform in [0, 1) with 24 bits: every value is an exact f32.
    pub(crate) fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Standard normal, by Box and Muller (1958), of two draws.
    pub(crate) fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - f64::from(self.uniform())).ln()).sqrt();
        let angle = std::f64::consts::TAU * f64::from(self.uniform());
        (radius * angle.cos()) as f32
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of callback `ema` in a run of seed 42, as every phasebox has drawn them.
    const NUMBERS: [u64; 3] = [
        1_721_818_911_792_162_743,
        17_571_265_464_128_237_962,
        7_332_974_668_362_082_006,
    ];

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
    fn the_numbers_never_change() {
        let mut random = Random::new(42, "ema");
        let numbers = [(); 3].map(|()| random.next());
        assert_eq!(numbers, NUMBERS);
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
