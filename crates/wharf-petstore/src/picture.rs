//! Pictures of pets: PNG files, small and drawn by rule, for pets of which nobody has uploaded one.
//!
//! The encoder writes stored (uncompressed) deflate blocks: for a picture of three kilobytes that is all it takes.

use crate::pet::PetKind;

/// The first bytes of every PNG file.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Width and height of a drawn picture.
const SIDE: u16 = 32;
/// A stored block's length has 16 bits.
const BLOCK_BYTES_MAX: usize = 0xffff;

type Rgb = [u8; 3];

/// Whether bytes begin as a PNG file does.
pub(crate) fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

/// A round badge in the colour of the kind.
pub(crate) fn badge(kind: PetKind) -> Vec<u8> {
    let colour = match kind {
        PetKind::Bird => [0x3b, 0x8e, 0xd0],
        PetKind::Cat => [0xe0, 0x8a, 0x3c],
        PetKind::Dog => [0x8c, 0x5a, 0x3b],
        PetKind::Fish => [0x2a, 0xa1, 0x98],
        PetKind::Rabbit => [0xb5, 0xa1, 0x8e],
        PetKind::Reptile => [0x5b, 0x9a, 0x3f],
        PetKind::Rodent => [0x93, 0x70, 0xb0],
    };
    encode(SIDE, SIDE, |x, y| {
        let from_middle = |at: u16| i32::from(at) * 2 + 1 - i32::from(SIDE);
        let distance = from_middle(x).pow(2) + from_middle(y).pow(2);
        if distance < i32::from(SIDE).pow(2) {
            colour
        } else {
            [0xff; 3]
        }
    })
}

/// A PNG file of 8-bit RGB pixels.
fn encode(width: u16, height: u16, pixel: impl Fn(u16, u16) -> Rgb) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0); // no filter
        rows.extend((0..width).flat_map(|x| pixel(x, y)));
    }
    let mut header = Vec::new();
    header.extend(u32::from(width).to_be_bytes());
    header.extend(u32::from(height).to_be_bytes());
    // 8 bits a sample, RGB, deflate, adaptive filters, not interlaced.
    header.extend([8, 2, 0, 0, 0]);

    let mut file = SIGNATURE.to_vec();
    chunk(&mut file, *b"IHDR", &header);
    chunk(&mut file, *b"IDAT", &zlib_stored(&rows));
    chunk(&mut file, *b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).expect("pictures are far smaller than 4 GiB");
    file.extend(length.to_be_bytes());
    let start = file.len();
    file.extend(name);
    file.extend(data);
    let sum = crc32(&file[start..]);
    file.extend(sum.to_be_bytes());
}

/// A zlib stream (RFC 1950) of stored blocks (RFC 1951 §3.2.4).
fn zlib_stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = data.chunks(BLOCK_BYTES_MAX).peekable();
    while let Some(block) = blocks.next() {
        let is_last = u8::from(blocks.peek().is_none());
        let length = u16::try_from(block.len()).expect("a block has at most BLOCK_BYTES_MAX bytes");
        stream.push(is_last);
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(data).to_be_bytes());
    stream
}

/// The check sum of PNG chunks (PNG, annex D), bit by bit: the pictures are small.
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
        })
    })
}

/// The check sum of zlib streams, RFC 1950 §8.2.
fn adler32(data: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (low, high) = data.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % MODULUS;
        (low, (high + low) % MODULUS)
    });
    (high << 16) | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_match_the_published_ones() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(adler32(b""), 1);
    }

    #[test]
    fn long_data_takes_several_blocks() {
        let stream = zlib_stored(&vec![7; BLOCK_BYTES_MAX + 1]);
        assert_eq!(stream[2..7], [0, 0xff, 0xff, 0, 0]);
        assert_eq!(stream[7 + BLOCK_BYTES_MAX..][..6], [1, 1, 0, 0xfe, 0xff, 7]);
    }

    #[test]
    fn a_badge_is_a_png_file() {
        let file = badge(PetKind::Cat);
        assert!(is_png(&file));
        assert_eq!(&file[12..16], b"IHDR");
        assert_eq!(&file[file.len() - 12..], b"\0\0\0\0IEND\xae\x42\x60\x82");
        // Signature, header chunk, data chunk around 32 rows of 1 + 96 bytes in one block, end chunk.
        assert_eq!(file.len(), 8 + 25 + 12 + (2 + 5 + 32 * 97 + 4) + 12);
    }
}
