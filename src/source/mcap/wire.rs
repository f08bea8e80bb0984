//! The encodings of messages: fields borrowed from the bytes, each length held against what is left of them.
//!
//! Sources: Protocol Buffers, "Encoding"; ROS 1, "Message Serialization"; OMG DDS-XTypes 1.3, 7.4 (plain CDR). None of
//! the messages read here has a field of 8 bytes, so that the two versions of plain CDR are one.

/// What was read, or what is wrong with the bytes.
pub(super) type Parsed<T> = Result<T, String>;

/// A field's value.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The value as a number of 32 bits.
    pub fn word(self) -> Parsed<u32> {
        match self {
            Self::Number(value) => u32::try_from(value).map_err(|_| format!("{value} is out of range")),
            Self::Bytes(_) => Err("bytes stand where a number belongs".into()),
        }
    }

    /// The value as bytes.
    pub fn bytes(self) -> Parsed<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err("a number stands where bytes belong".into()),
        }
    }
}

/// The bytes that are left of a message.
struct Rest<'a> {
    bytes: &'a [u8],
    read: usize,
}

impl<'a> Rest<'a> {
    fn take(&mut self, count: u64) -> Parsed<&'a [u8]> {
        let taken = usize::try_from(count).ok().and_then(|count| self.bytes.split_at_checked(count));
        let Some((taken, rest)) = taken else {
            return Err(format!(
                "byte {}: a field of {count} bytes, where {} are left",
                self.read,
                self.bytes.len()
            ));
        };
        self.bytes = rest;
        self.read += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    /// A number of 7 bits a byte, the lowest first, at most 64 bits.
    fn varint(&mut self) -> Parsed<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(format!("byte {}: a number of more than 64 bits", self.read))
    }
}

/// Hands each field of a message of Protocol Buffers to `field`, with its number; those inside fields are bytes.
pub(super) fn protobuf<'a>(
    bytes: &'a [u8],
    mut field: impl FnMut(u64, Value<'a>) -> Parsed<()>,
) -> Parsed<()> {
    let mut rest = Rest { bytes, read: 0 };
    while !rest.bytes.is_empty() {
        let tag = rest.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(rest.varint()?),
            1 => Value::Number(u64::from_le_bytes(rest.array()?)),
            2 => {
                let length = rest.varint()?;
                Value::Bytes(rest.take(length)?)
            }
            5 => Value::Number(u64::from(u32::from_le_bytes(rest.array()?))),
            other => return Err(format!("byte {}: a field of wire type {other}", rest.read)),
        };
        field(tag >> 3, value)?;
    }
    Ok(())
}

/// A message of ROS, field after field.
pub(super) struct Serial<'a> {
    rest: Rest<'a>,
    /// ROS 2: numbers stand at multiples of their length, texts end with a zero byte.
    cdr: bool,
    big_endian: bool,
}

impl<'a> Serial<'a> {
    /// A message of ROS 1.
    pub fn ros1(bytes: &'a [u8]) -> Self {
        Self { rest: Rest { bytes, read: 0 }, cdr: false, big_endian: false }
    }

    /// A message of ROS 2: plain CDR behind its encapsulation header.
    pub fn cdr(bytes: &'a [u8]) -> Parsed<Self> {
        let mut rest = Rest { bytes, read: 0 };
        let [high, low, _, _] = rest.array()?;
        let big_endian = match [high, low] {
            [0, 0 | 6] => true,
            [0, 1 | 7] => false,
            _ => return Err(format!("the encapsulation {high:02x} {low:02x} is not plain CDR")),
        };
        // Numbers are aligned from behind the header on.
        rest.read = 0;
        Ok(Self { rest, cdr: true, big_endian })
    }

    /// Passes over a header: its number (ROS 1 alone has one), time and frame.
    pub fn header(&mut self) -> Parsed<()> {
        if !self.cdr {
            self.word()?;
        }
        self.time()?;
        self.bytes().map(|_| ())
    }

    /// Passes over a time.
    pub fn time(&mut self) -> Parsed<()> {
        self.word()?;
        self.word().map(|_| ())
    }

    /// The next number of 8 bits.
    pub fn byte(&mut self) -> Parsed<u8> {
        self.rest.array().map(|[byte]| byte)
    }

    /// The next number of 32 bits.
    pub fn word(&mut self) -> Parsed<u32> {
        if self.cdr {
            let padding = self.rest.read.next_multiple_of(4) - self.rest.read;
            self.rest.take(padding as u64)?;
        }
        let bytes = self.rest.array()?;
        Ok(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// The next bytes, led by their count.
    pub fn bytes(&mut self) -> Parsed<&'a [u8]> {
        let count = self.word()?;
        self.rest.take(u64::from(count))
    }

    /// The next text's bytes, without the zero byte that ends it in ROS 2.
    pub fn text(&mut self) -> Parsed<&'a [u8]> {
        let text = self.bytes()?;
        Ok(if self.cdr { text.strip_suffix(&[0]).unwrap_or(text) } else { text })
    }
}
