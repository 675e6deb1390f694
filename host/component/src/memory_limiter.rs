//! The limit `memory`: all linear memories and tables of one instance together.

use wasmtime::ResourceLimiter;

/// The most entries of one table. A component with a large interpreter has about 7,000.
const MAX_TABLE_ELEMENTS: usize = 100_000;
/// The host memory that one entry of a table takes.
const TABLE_ELEMENT_BYTES: usize = 16;

/// Counts memory over all memories and tables of a store. wasmtime's own limits are per memory.
pub struct MemoryLimiter {
    limit_bytes: u64,
    used_bytes: u64,
    /// The most bytes at one time.
    pub peak_bytes: u64,
    /// How often growth was refused.
    pub refusals: u64,
    /// The bytes wanted when growth was last refused, so that the trap that follows can be explained.
    pub refused_bytes: Option<u64>,
}

impl MemoryLimiter {
    /// A limiter of that many bytes, of which none is used.
    pub fn new(limit_bytes: u64) -> MemoryLimiter {
        MemoryLimiter {
            limit_bytes,
            used_bytes: 0,
            peak_bytes: 0,
            refusals: 0,
            refused_bytes: None,
        }
    }

    /// Counts `bytes` more if there is room for them.
    fn grow(&mut self, bytes: usize) -> bool {
        let wanted = self.used_bytes.saturating_add(bytes as u64);
        if wanted > self.limit_bytes {
            self.refusals += 1;
            self.refused_bytes = Some(wanted);
            return false;
        }
        self.used_bytes = wanted;
        self.peak_bytes = self.peak_bytes.max(wanted);
        true
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired
            .saturating_sub(current)
            .saturating_mul(TABLE_ELEMENT_BYTES);
        Ok(desired <= MAX_TABLE_ELEMENTS && self.grow(more))
    }

    /// Core instances of one component.
    fn instances(&self) -> usize {
        200
    }

    fn tables(&self) -> usize {
        200
    }

    fn memories(&self) -> usize {
        50
    }
}
