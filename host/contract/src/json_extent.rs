//! The number of values in a JSON text and how deep they lie, counted before it is parsed: a value in memory takes up to a
//! hundred times the bytes of its text. Bounds are their users'.

/// The size of a text as a tree. Right for JSON; an error of parsing says the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Values and keys, or more.
    pub values: usize,
    /// Lists and objects inside of each other.
    pub depth: usize,
}

impl Extent {
    /// The size of `text`, in one pass that takes no memory.
    pub fn of(text: &[u8]) -> Extent {
        let mut extent = Extent {
            values: 1,
            depth: 0,
        };
        let mut open = 0_usize;
        for mark in Marks::of(text) {
            match mark {
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
            extent.depth = extent.depth.max(open);
            extent.values += usize::from(!matches!(mark, b'}' | b']'));
        }
        extent
    }
}

/// The marks of JSON outside of strings. Before each value and key stands one of `{[,:`, the first value aside.
struct Marks<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl Marks<'_> {
    fn of(text: &[u8]) -> Marks<'_> {
        Marks { bytes: text.iter() }
    }

    fn pass_string(&mut self) {
        while let Some(byte) = self.bytes.next() {
            match byte {
                b'"' => return,
                b'\\' => drop(self.bytes.next()),
                _ => {}
            }
        }
    }
}

impl Iterator for Marks<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        loop {
            match *self.bytes.next()? {
                b'"' => self.pass_string(),
                mark @ (b'{' | b'[' | b'}' | b']' | b',' | b':') => return Some(mark),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Extent;

    #[test]
    fn values_are_counted_outside_of_strings() {
        for (text, values, depth) in [
            ("1", 1, 0),
            ("[1, 2]", 3, 1),
            (r#"{"a": [], "b": 1}"#, 6, 2),
            (r#"["a,b:[{", "\"", "\\"]"#, 4, 1),
        ] {
            assert_eq!(
                Extent::of(text.as_bytes()),
                Extent { values, depth },
                "{text}"
            );
        }
    }
}
