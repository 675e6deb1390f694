//! The shape of function bodies: blocks inside each other, blocks times local variables, and pairs of blocks. The compiler
//! keeps every local at every block, so half a megabyte that multiplies the two takes it gigabytes; and some of its passes
//! look at each block for each other one. Bounds are `bounds`'.

use wasmparser::{BinaryReaderError, FunctionBody, Operator};

/// The shape of one body, as far as it can be parsed.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The most blocks inside each other.
    pub(crate) depth: u64,
    /// Blocks times local variables, the body itself counted as a block.
    pub(crate) locals_at_blocks: u64,
    /// Blocks times blocks.
    pub(crate) block_pairs: u64,
}

impl Shape {
    pub(crate) fn of(body: &FunctionBody<'_>) -> Shape {
        let mut blocks = Blocks::default();
        // The engine says what cannot be parsed.
        let locals = locals(body).unwrap_or_default();
        let _ = blocks.count(body);
        Shape {
            depth: blocks.deepest,
            locals_at_blocks: locals.saturating_mul(blocks.all + 1),
            block_pairs: blocks.all.saturating_mul(blocks.all),
        }
    }
}

fn locals(body: &FunctionBody<'_>) -> Result<u64, BinaryReaderError> {
    let mut all = 0u64;
    for group in body.get_locals_reader()? {
        let (count, _) = group?;
        all = all.saturating_add(count.into());
    }
    Ok(all)
}

#[derive(Default)]
struct Blocks {
    all: u64,
    open: u64,
    deepest: u64,
}

impl Blocks {
    fn count(&mut self, body: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            match operators.read()? {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                    self.begin()
                }
                Operator::End => self.open = self.open.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.all += 1;
        self.open += 1;
        self.deepest = self.deepest.max(self.open);
    }
}
