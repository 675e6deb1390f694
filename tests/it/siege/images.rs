//! Images whose header lies, and folders of images with many classes.

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use super::Row;
use super::act::{CLASSES, IMAGE};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "a PNG of 65,000 pixels square",
        file: || png([65_000; 2], b"", 1000),
        act: &IMAGE,
        expect: (2, "65000x65000 pixels are more than 134217728"),
    },
    Row {
        name: "a PNG of two thousand million pixels square",
        file: || png([0x7fff_ffff; 2], b"", 1000),
        act: &IMAGE,
        expect: (2, "not an image that can be read"),
    },
    Row {
        name: "a PNG of no pixels",
        file: || png([0, 0], b"", 1000),
        act: &IMAGE,
        expect: (2, "not an image that can be read"),
    },
    Row {
        name: "a PNG of 8,000 pixels square in a megabyte",
        file: || png([8000; 2], b"", 8000 * 24_001),
        act: &IMAGE,
        expect: (2, "architecture `mlp`"),
    },
    Row {
        name: "a PNG one pixel wide and 60 million high",
        file: || png([1, 60_000_000], b"", 1000),
        act: &IMAGE,
        expect: (2, "architecture `mlp`"),
    },
    Row {
        name: "a color profile of 200 MB, packed",
        file: || {
            small(&chunk(
                b"iCCP",
                &[b"k\0\0".as_slice(), &packed(200_000_000)].concat(),
            ))
        },
        act: &IMAGE,
        expect: (0, "trial:"),
    },
    Row {
        name: "texts of 50 MB, packed",
        file: || {
            small(
                &chunk(
                    b"zTXt",
                    &[b"k\0\0".as_slice(), &packed(50_000_000)].concat(),
                )
                .repeat(5),
            )
        },
        act: &IMAGE,
        expect: (0, "trial:"),
    },
    Row {
        name: "100,000 chunks of text",
        file: || small(&chunk(b"tEXt", b"k\0a").repeat(100_000)),
        act: &IMAGE,
        expect: (0, "trial:"),
    },
    Row {
        name: "300 MB of pixels that nobody asked for",
        file: || png([8, 8], b"", 300_000_000),
        act: &IMAGE,
        expect: (0, "trial:"),
    },
    Row {
        name: "a chunk of two gigabytes",
        file: || [&small(b"")[..33], &0x7fff_ffffu32.to_be_bytes(), b"tEXtk"].concat(),
        act: &IMAGE,
        expect: (2, "not an image that can be read"),
    },
    Row {
        name: "a JPEG of 65,535 pixels square",
        file: || {
            b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9".to_vec()
        },
        act: &IMAGE,
        expect: (2, "not an image that can be read"),
    },
    Row {
        name: "a bitmap of 65,000 pixels square",
        file: || bitmap(65_000, 65_000),
        act: &IMAGE,
        expect: (2, "65000x65000 pixels are more than 134217728"),
    },
    Row {
        name: "a GIF of 65,535 pixels square",
        file: || {
            b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x4c\x01\0;".to_vec()
        },
        act: &IMAGE,
        expect: (2, "65535x65535 pixels are more than 134217728"),
    },
    Row {
        name: "a WebP of 16,384 pixels square",
        file: || {
            [
                b"RIFF\x20\0\0\0WEBPVP8L\x10\0\0\0\x2f\xff\xff\xff\x0f".as_slice(),
                &[0; 20],
            ]
            .concat()
        },
        act: &IMAGE,
        expect: (2, "error: "),
    },
    Row {
        name: "10,000 classes",
        file: || {
            (0..10_000)
                .map(|index| format!("train/c{index}/a.bmp\n"))
                .collect::<String>()
                .into()
        },
        act: &CLASSES,
        expect: (2, "error: "),
    },
    Row {
        name: "10,000 classes of nothing",
        file: || {
            (0..10_000)
                .map(|index| format!("train/c{index}/a.txt\n"))
                .collect::<String>()
                .into()
        },
        act: &CLASSES,
        expect: (2, "no image in it"),
    },
    Row {
        name: "a folder of folders, 900 deep",
        file: || format!("train/{}a.bmp\nval/d/a.bmp\n", "d/".repeat(900)).into(),
        act: &CLASSES,
        expect: (2, "error: "),
    },
    Row {
        name: "a folder of folders, as deep as paths reach",
        file: || format!("train/{}a.bmp\nval/d/a.bmp\n", "d/".repeat(1900)).into(),
        act: &CLASSES,
        expect: (2, "error: "),
    },
    Row {
        name: "10,000 folders in a class",
        file: || each_folder(10_000),
        act: &CLASSES,
        expect: (2, "error: "),
    },
];

/// Folders inside of a class, each with an image.
fn each_folder(count: usize) -> Vec<u8> {
    let one = |index| format!("train/d/{index}/a.bmp\n");
    let all: String = (0..count).map(one).collect();
    format!("{all}val/d/a.bmp\n").into()
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut checksum = Crc::new();
    checksum.update(kind);
    checksum.update(content);
    let (length, sum) = (content.len() as u32, checksum.sum());
    [
        &length.to_be_bytes(),
        kind.as_slice(),
        content,
        &sum.to_be_bytes(),
    ]
    .concat()
}

fn packed(zeros: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; zeros]).expect("memory");
    encoder.finish().expect("memory")
}

/// A PNG of a size in color, with chunks before its pixels, which are so many bytes.
fn png([width, height]: [u32; 2], before: &[u8], pixels: usize) -> Vec<u8> {
    let header = [
        &width.to_be_bytes(),
        &height.to_be_bytes(),
        [8, 2, 0, 0, 0].as_slice(),
    ];
    [
        b"\x89PNG\r\n\x1a\n".as_slice(),
        &chunk(b"IHDR", &header.concat()),
        before,
        &chunk(b"IDAT", &packed(pixels)),
        &chunk(b"IEND", b""),
    ]
    .concat()
}

/// The bytes of eight rows of eight pixels.
const EIGHT: usize = 8 * (1 + 3 * 8);

/// A PNG of eight pixels square with chunks before them.
fn small(before: &[u8]) -> Vec<u8> {
    png([8, 8], before, EIGHT)
}

/// A bitmap that says this size and holds nothing.
fn bitmap(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"BM".to_vec();
    for number in [54, 0, 54, 40, width, height, 1 | 24 << 16] {
        file.extend(number.to_le_bytes());
    }
    file.resize(54, 0);
    file
}
