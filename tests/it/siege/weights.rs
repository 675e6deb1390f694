//! Weights with forged headers, and pickles that are small and become much.

use flate2::Crc;

use super::Row;
use super::act::{SPARSE_SCRIPT, SPARSE_WEIGHTS, WEIGHTS, safetensors};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "a header of more bytes than there are",
        file: || [(1u64 << 63).to_le_bytes().as_slice(), b"{}"].concat(),
        act: &WEIGHTS,
        expect: (2, "no weights can be read"),
    },
    Row {
        name: "weights of 16 GiB of nothing",
        file: || safetensors("{}", 0),
        act: &SPARSE_WEIGHTS,
        expect: (2, "it has 17179869184 bytes or more"),
    },
    Row {
        name: "an archive with 16 GiB of nothing behind it",
        file: || pickle(b"N"),
        act: &SPARSE_WEIGHTS,
        expect: (2, "it has 17179869184 bytes or more"),
    },
    Row {
        name: "a network in TorchScript of 16 GiB of nothing",
        file: || pickle(b"N"),
        act: &SPARSE_SCRIPT,
        expect: (2, "recipe.yaml:6: "),
    },
    Row {
        name: "a header of 100 MB in a file of none",
        file: || [100_000_000u64.to_le_bytes().as_slice(), b"{}"].concat(),
        act: &WEIGHTS,
        expect: (2, "no weights can be read"),
    },
    Row {
        name: "300,000 tensors of nothing",
        file: || empty_tensors(300_000),
        act: &WEIGHTS,
        expect: (2, "values, and at most 1048576 are read"),
    },
    Row {
        name: "50,000 tensors of nothing",
        file: || empty_tensors(50_000),
        act: &WEIGHTS,
        expect: (2, "is not in the model"),
    },
    Row {
        name: "tensors that share their bytes",
        file: || {
            safetensors(&format!("{{{}}}", (0..5000).map(|index| format!(r#""a{index}":{{"dtype":"F32","shape":[250000],"data_offsets":[0,1000000]}}"#)).collect::<Vec<_>>().join(",")), 1_000_000)
        },
        act: &WEIGHTS,
        expect: (2, "no weights can be read"),
    },
    Row {
        name: "a shape whose size overflows",
        file: || shaped("4294967296,4294967296", 0),
        act: &WEIGHTS,
        expect: (2, "no weights can be read"),
    },
    Row {
        name: "a shape of no element and large sides",
        file: || shaped("0,4611686018427387904", 0),
        act: &WEIGHTS,
        expect: (2, "is not in the model"),
    },
    Row {
        name: "a shape of 100,000 sides",
        file: || shaped(&format!("{}1", "1,".repeat(100_000)), 4),
        act: &WEIGHTS,
        expect: (2, "error: "),
    },
    Row {
        name: "a shape of four million sides",
        file: || shaped(&format!("{}1", "1,".repeat(4_000_000)), 4),
        act: &WEIGHTS,
        expect: (2, "values, and at most 1048576 are read"),
    },
    Row {
        name: "a header of lists in lists",
        file: || safetensors(&format!("{{\"a\":{}", "[".repeat(3_000_000)), 0),
        act: &WEIGHTS,
        expect: (2, "values, and at most 1048576 are read"),
    },
    Row {
        name: "a header of six million objects",
        file: || safetensors(&format!("{{\"a\":[{}0]}}", "{},".repeat(6_000_000)), 0),
        act: &WEIGHTS,
        expect: (2, "values, and at most 1048576 are read"),
    },
    Row {
        name: "remarks of 20 MB",
        file: || {
            safetensors(
                &format!(
                    "{{\"__metadata__\":{{\"k\":\"{}\"}}}}",
                    "x".repeat(20_000_000)
                ),
                0,
            )
        },
        act: &WEIGHTS,
        expect: (2, "is missing"),
    },
    Row {
        name: "a name of two megabytes",
        file: || {
            safetensors(
                &format!(
                    r#"{{"{}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#,
                    "x".repeat(2_000_000)
                ),
                4,
            )
        },
        act: &WEIGHTS,
        expect: (2, "(cut)"),
    },
    Row {
        name: "a pickle of ten million copies",
        file: || pickle(&[b"K\x01".as_slice(), &b"2".repeat(10_000_000)].concat()),
        act: &WEIGHTS,
        expect: (2, "opcodes or more"),
    },
    Row {
        name: "a pickle of three million lists",
        file: || pickle(&b"]".repeat(3_000_000)),
        act: &WEIGHTS,
        expect: (2, "opcodes or more"),
    },
    Row {
        name: "a pickle of lists in lists",
        file: || pickle(&[b"(".repeat(900_000), b"l".repeat(900_000)].concat()),
        act: &WEIGHTS,
        expect: (2, "it holds no state dict"),
    },
    Row {
        name: "a pickle that doubles forty times",
        file: || pickle(&[b"]q\0".as_slice(), &b"](h\0h\0h\0eq\0".repeat(40)].concat()),
        act: &WEIGHTS,
        expect: (2, "it holds no state dict"),
    },
    Row {
        name: "a pickle whose memo is large",
        file: || pickle(&[b"K\x01".as_slice(), b"r\xff\xff\xff\x7f", &[b'N'; 100]].concat()),
        act: &WEIGHTS,
        expect: (2, "stored values"),
    },
    Row {
        name: "a pickle whose number is two gigabytes",
        file: || pickle(b"\x8b\xff\xff\xff\x7f"),
        act: &WEIGHTS,
        expect: (2, "it ends too early"),
    },
    Row {
        name: "a pickle whose text is beyond all memory",
        file: || pickle(b"\x8d\0\0\0\0\0\0\0\x10a"),
        act: &WEIGHTS,
        expect: (2, "it ends too early"),
    },
    Row {
        name: "a pickle that calls the system",
        file: || pickle(b"cos\nsystem\nX\x04\0\0\0true\x85R"),
        act: &WEIGHTS,
        expect: (2, "it holds no state dict"),
    },
    Row {
        name: "a pickle with a name of five megabytes",
        file: || pickle(&[b"c".as_slice(), &b"x".repeat(5_000_000), b"\ny\n"].concat()),
        act: &WEIGHTS,
        expect: (2, "it holds no state dict"),
    },
    Row {
        name: "an archive of 60,000 files",
        file: || {
            let names: Vec<String> = (0..60_000).map(|index| format!("a/data/{index}")).collect();
            archive(
                &names
                    .iter()
                    .map(|name| (name.as_str(), b"".as_slice()))
                    .collect::<Vec<_>>(),
            )
        },
        act: &WEIGHTS,
        expect: (2, "no weights can be read"),
    },
    Row {
        name: "a million ends of an archive",
        file: || b"PK\x05\x06".repeat(1_000_000),
        act: &WEIGHTS,
        expect: (2, "no weights can be read"),
    },
];

/// Tensors without elements.
fn empty_tensors(count: usize) -> Vec<u8> {
    let one = |index| format!(r#""a{index}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}},"#);
    let all: String = (0..count).map(one).collect();
    safetensors(&format!("{{{}}}", all.trim_end_matches(',')), 0)
}

/// One tensor of a shape.
fn shaped(shape: &str, bytes: usize) -> Vec<u8> {
    let header =
        format!(r#"{{"a":{{"dtype":"F32","shape":[{shape}],"data_offsets":[0,{bytes}]}}}}"#);
    safetensors(&header, bytes)
}

/// A file as `torch.save` writes it, with these bytes after the pickle's protocol.
fn pickle(opcodes: &[u8]) -> Vec<u8> {
    let pickle = [b"\x80\x02".as_slice(), opcodes, b"."].concat();
    archive(&[("a/data.pkl", &pickle), ("a/version", b"3\n")])
}

/// A zip that packs nothing.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let at = bytes.len() as u32;
        let facts = facts(name, content);
        bytes.extend([b"PK\x03\x04\x14\0".as_slice(), &facts, &[0; 2]].concat());
        bytes.extend([name.as_bytes(), content].concat());
        directory.extend([b"PK\x01\x02\x14\0\x14\0".as_slice(), &facts, &[0; 12]].concat());
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = (files.len() as u16).to_le_bytes();
    let sizes = [directory.len() as u32, bytes.len() as u32].map(u32::to_le_bytes);
    let end = [
        b"PK\x05\x06\0\0\0\0".as_slice(),
        &count,
        &count,
        &sizes.concat(),
        &[0; 2],
    ];
    [bytes, directory, end.concat()].concat()
}

/// Flags, method and time, all 0; checksum, both sizes, the length of the name.
fn facts(name: &str, content: &[u8]) -> Vec<u8> {
    let mut checksum = Crc::new();
    checksum.update(content);
    let length = content.len() as u32;
    let numbers = [checksum.sum(), length, length]
        .map(u32::to_le_bytes)
        .concat();
    [
        &[0; 8],
        numbers.as_slice(),
        &(name.len() as u16).to_le_bytes(),
    ]
    .concat()
}
