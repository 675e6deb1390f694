//! TFRecord framing: length, checksum of the length, data, checksum of the data, all little-endian. The checksums are
//! CRC-32C, masked because a checksum of data that holds checksums is weak (TensorFlow, `lib/io/record_writer.h`).

use std::io::{Result, Write};

/// Appends one record.
pub(super) fn write(out: &mut impl Write, data: &[u8]) -> Result<()> {
    let length = (data.len() as u64).to_le_bytes();
    out.write_all(&length)?;
    out.write_all(&masked_crc32c(&length).to_le_bytes())?;
    out.write_all(data)?;
    out.write_all(&masked_crc32c(data).to_le_bytes())
}

fn masked_crc32c(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}
