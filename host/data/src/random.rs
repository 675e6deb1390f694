//! The one source of randomness of the data: a small generator whose stream never changes between versions.
//! Owns no global state. Not for secrets; libtorch draws the weights of models, not this generator.

/// SplitMix64 (Steele, Lea, Flood: *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014).
///
/// Written out here because a resumed run must see the data of the run it resumes, on any machine and with any later
/// phasebox: random-number crates keep no such promise for shuffles and ranges.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

/// The distance between two states: 2⁶⁴ over the golden ratio.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The published generator, started at `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The generator that `new(seed)` is after `draws` numbers, at the cost of one multiplication.
    #[inline]
    pub fn after(seed: u64, draws: u64) -> Self {
        Self::new(seed.wrapping_add(draws.wrapping_mul(GOLDEN_GAMMA)))
    }

    /// A generator of its own for each list of keys, such as `[seed, epoch, sample]`, so that the order in which
    /// generators draw does not matter.
    pub(crate) fn keyed(keys: &[u64]) -> Self {
        let mixed = keys
            .iter()
            .fold(0, |state, key| Self::new(state ^ key).next_u64());
        Self::new(mixed)
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        mix(self.state)
    }

    /// A number in `0..bound`, all equally likely (Lemire 2019: multiply, and reject the uneven rest); 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let bound = bound.max(1);
        let uneven = bound.wrapping_neg() % bound;
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(bound);
            if wide as u64 >= uneven {
                return (wide >> 64) as u64;
            }
        }
    }

    /// A number in `[0, 1)` with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (0.5f64).powi(53)
    }

    /// A number of the standard normal distribution (Box and Muller 1958; the second one is not kept).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A number in `[0, 1]` of the beta distribution with two positive parameters.
    pub(crate) fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        if x + y > 0.0 { x / (x + y) } else { 0.5 }
    }

    /// A number of the gamma distribution with scale 1 (Marsaglia and Tsang 2000).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let share = (1.0 - self.unit()).powf(1.0 / shape);
            return share * self.gamma(shape + 1.0);
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
            let bound = 0.5 * x * x + d - d * v + d * v.max(f64::MIN_POSITIVE).ln();
            if v > 0.0 && (1.0 - self.unit()).ln() < bound {
                return d * v;
            }
        }
    }

    /// Puts `items` into a random order (Fisher–Yates, from the last place down).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place as u64 + 1) as usize);
        }
    }
}

/// Spreads every bit of a number over all 64: the function that SplitMix64 draws through. It is a bijection.
#[inline]
pub fn mix(bits: u64) -> u64 {
    let mixed = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // Test vector of Rosetta Code's "Pseudo-random numbers/Splitmix64", seed 1234567.
        let mut random = Random::new(1234567);
        let expected = [
            6457827717110365317,
            3203168211198807973,
            9817491932198370423,
            4593380528125082431,
        ];
        assert_eq!([(); 4].map(|()| random.next_u64()), expected);
    }

    #[test]
    fn a_place_in_the_stream_is_reached_without_drawing() {
        let mut random = Random::new(1234567);
        for draws in 0..10 {
            assert_eq!(random.next_u64(), Random::after(1234567, draws).next_u64());
        }
    }

    #[test]
    fn ranges_and_keys() {
        let mut random = Random::new(7);
        let mut counts = [0u32; 6];
        (0..6000).for_each(|_| counts[random.below(6) as usize] += 1);
        assert!(
            counts.iter().all(|&count| (880..1120).contains(&count)),
            "{counts:?}"
        );
        assert!(
            (0..1000)
                .map(|_| random.unit())
                .all(|unit| (0.0..1.0).contains(&unit))
        );
        let first = |keys: &[u64]| Random::keyed(keys).next_u64();
        assert_eq!(first(&[1, 2]), first(&[1, 2]));
        assert!(first(&[1, 2]) != first(&[2, 1]) && first(&[1, 2]) != first(&[1, 3]));
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<usize> = (0..100).collect();
        Random::new(3).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
