//! Amounts that a plugin uses of its limits: each is counted before it is used, and refused above the limit. A refusal
//! counts nothing, so less may still be had.

use phasebox_contract::grants::Grant;
use phasebox_contract::limits::{Limit, Usage};

use crate::bindings::types::ErrorCode;
use crate::error::{HostError, HostResult, refusal};
use crate::state::PluginState;

impl PluginState {
    /// Counts `amount` against `limit`, or refuses it.
    #[inline]
    pub(crate) fn charge(&mut self, limit: Limit, amount: u64) -> HostResult<()> {
        let wanted = self.usage.used(limit).saturating_add(amount);
        if wanted > self.limits[limit] {
            return Err(self.over(limit, amount));
        }
        self.usage.set(limit, wanted);
        Ok(())
    }

    #[cold]
    fn over(&mut self, limit: Limit, amount: u64) -> HostError {
        self.usage.refuse(limit);
        let asked = limit.show(amount);
        let left = limit.show(self.left(limit));
        let all = limit.show(self.limits[limit]);
        let window = limit.window().name();
        let what = limit.what();
        let key = limit.key();
        refusal(
            ErrorCode::QuotaExceeded,
            format!(
                "{asked} more asked for, {left} of {all} left {window} ({what}); use less, or raise `limits: {{{key}: …}}`"
            ),
        )
    }

    /// The part of a limit that is not used.
    pub(crate) fn left(&self, limit: Limit) -> u64 {
        self.limits[limit].saturating_sub(self.usage.used(limit))
    }

    /// Refuses a result before it is made, if it has more elements than the call has bytes left. The result itself is charged
    /// once its dtype is known.
    #[inline]
    pub(crate) fn check_room(&mut self, elements: u64) -> HostResult<()> {
        self.check_left(Limit::CallTensors, elements)
    }

    /// Refuses `amount`, which is counted later, if there is no more left of a limit.
    #[inline]
    pub(crate) fn check_left(&mut self, limit: Limit, amount: u64) -> HostResult<()> {
        match amount <= self.left(limit) {
            true => Ok(()),
            false => Err(self.over(limit, amount)),
        }
    }

    /// Counts bytes that outlive the call, or refuses them.
    pub(crate) fn charge_kept(&mut self, bytes: u64) -> HostResult<()> {
        self.charge(Limit::Tensors, bytes)
    }

    /// Gives back bytes that outlived a call.
    pub(crate) fn release_kept(&mut self, bytes: u64) {
        self.usage.release(Limit::Tensors, bytes);
    }

    /// Counts tensor operations that are about to be started, or refuses them.
    #[inline]
    pub(crate) fn launch(&mut self, kernels: u64) -> HostResult<()> {
        self.charge(Limit::Launches, kernels)?;
        self.counters.launches += kernels;
        Ok(())
    }

    /// Counts a wait for the device, or refuses it.
    pub(crate) fn count_sync(&mut self) -> HostResult<()> {
        self.require(Grant::Sync)?;
        self.charge(Limit::Syncs, 1)?;
        self.counters.syncs += 1;
        Ok(())
    }

    /// Counts bytes copied between device and guest, or refuses them.
    pub(crate) fn count_copied(&mut self, bytes: u64) -> HostResult<()> {
        self.charge(Limit::HostBytes, bytes)?;
        self.counters.bytes_copied += bytes;
        Ok(())
    }

    /// Counts a call of a host function. A guest that calls too often, or keeps the host busy too long,
    /// traps.
    #[inline]
    pub(crate) fn enter_host(&mut self) -> wasmtime::Result<()> {
        self.counters.crossings += 1;
        if self.crossings_of_call() > self.limits[Limit::HostCalls] {
            return Err(self.end_with(Limit::HostCalls));
        }
        if self.deadline.host_ticks() > self.host_tick_limit {
            return Err(self.end_with(Limit::HostTime));
        }
        self.deadline.enter_host();
        Ok(())
    }

    /// Takes a look at the clock back out of the count: the engine makes one look like a call of the host.
    pub(crate) fn forget_look(&mut self) {
        self.counters.crossings = self.counters.crossings.saturating_sub(1);
    }

    #[cold]
    fn end_with(&mut self, limit: Limit) -> wasmtime::Error {
        self.usage.refuse(limit);
        wasmtime::Error::msg(limit.exceeded(self.limits[limit]))
    }

    /// Host functions called during the call in progress.
    #[inline]
    pub(crate) fn crossings_of_call(&self) -> u64 {
        self.counters.crossings - self.crossings_before
    }

    /// Notes what the call that has ended used, and counts its limits anew.
    pub(crate) fn record_usage_of_call(&mut self) {
        let guest = self.deadline.guest_time();
        self.usage.set(Limit::HostTime, self.deadline.host_time());
        self.usage.set(Limit::HostCalls, self.crossings_of_call());
        self.usage.set(Limit::CallTensors, 0);
        if self.deadline.limit == Limit::LoadTime {
            self.usage.set(Limit::LoadTime, guest);
            return;
        }
        self.usage.set(Limit::Time, guest);
        let step_time = self.usage.used(Limit::StepTime) + guest;
        self.usage.set(Limit::StepTime, step_time);
    }

    /// The usage of every limit, those included that are counted elsewhere: memory and handles.
    pub(crate) fn usage_at_end(&self) -> Usage {
        let mut usage = self.usage;
        usage.observe(
            Limit::Memory,
            self.limiter.peak_bytes,
            self.limiter.refusals,
        );
        let tables = [
            (self.tensors.peak(), self.tensors.refusals),
            (self.groups.peak(), self.groups.refusals),
            (self.scalars.peak(), self.scalars.refusals),
        ];
        for (peak, refusals) in tables {
            usage.observe(Limit::Handles, peak, refusals);
        }
        usage
    }
}
