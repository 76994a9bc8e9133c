//! The header of a `.npy` file, versions 1, 2 and 3 (NumPy's NEP 1 and
//! `numpy.lib.format`).
//!
//! ```text
//! \x93NUMPY, major, minor, length of the text (u16 LE in version 1, else u32 LE), the text:
//! {'descr': '<f4', 'fortran_order': False, 'shape': (200, 5000000), }
//! ```
//!
//! The text is read here and not by a crate: the crate's parser overflows on a product of
//! absurd dimensions and recurses once per bracket, so a hostile file can end the
//! program. What NumPy reads needs one loop and no recursion. The dtype inside, once it
//! is spelt as NumPy writes it, and the header that we write, are npyz's.

use std::io::{self, Read, Write};

use npyz::{Endianness, TypeChar, TypeStr, WriterBuilder as _};

use super::element::{Dtype, Element};
use super::error::{FileError, Shape};

/// The longest header that is believed; NumPy itself stops at 10,000 bytes unless told to
/// trust the file.
const LONGEST_HEADER: usize = 1 << 16;

/// What a `.npy` header says.
pub(super) struct Header {
    pub(super) shape: Shape,
    pub(super) element: Element,
    pub(super) big_endian: bool,
    pub(super) fortran: bool,
    /// Bytes before the first value.
    pub(super) start: u64,
}

/// Reads the header and leaves `reader` at the first value.
pub(super) fn read_header(file: &str, reader: &mut dyn Read) -> Result<Header, FileError> {
    let bad = |problem: String| FileError::NpyHeader { file: file.to_owned(), problem };
    let cut_short = |cause: io::Error| match cause.kind() {
        io::ErrorKind::UnexpectedEof => bad("the file ends inside it".to_owned()),
        _ => FileError::io(file, "read", cause),
    };

    let mut magic = [0; 6];
    let got = super::bytes::read_full(reader, &mut magic).map_err(|e| FileError::io(file, "read", e))?;
    if magic != *b"\x93NUMPY" {
        let found = match (&magic, got) {
            (_, 0) => "an empty file",
            (m, _) if m.starts_with(b"PK") => {
                "a zip archive (.npz or .pt); save the one array with np.save, or as .safetensors"
            }
            (m, _) if m.starts_with(b"\x93NUMPY".get(..got).unwrap_or_default()) && got < 6 => {
                "a file that ends inside that"
            }
            _ => "something else",
        };
        return Err(FileError::NotNpy { file: file.to_owned(), found });
    }

    let mut version = [0; 2];
    reader.read_exact(&mut version).map_err(cut_short)?;
    let (before_text, length) = match version {
        [1, 0] => {
            let mut length = [0; 2];
            reader.read_exact(&mut length).map_err(cut_short)?;
            (10, usize::from(u16::from_le_bytes(length)))
        }
        [2 | 3, 0] => {
            let mut length = [0; 4];
            reader.read_exact(&mut length).map_err(cut_short)?;
            (12, usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX))
        }
        [major, minor] => {
            return Err(bad(format!("its version is {major}.{minor}, not 1.0, 2.0 or 3.0")));
        }
    };
    if length > LONGEST_HEADER {
        return Err(bad(format!("it claims to be {length} bytes long")));
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text).map_err(cut_short)?;
    // Versions 1 and 2 are Latin-1, which only the field names of structured types can
    // show.
    let text =
        String::from_utf8(text).unwrap_or_else(|e| e.as_bytes().iter().map(|&b| char::from(b)).collect());

    let (descr, fortran, shape) =
        parse_text(&text).map_err(|problem| bad(format!("{problem} in {:?}", text.trim())))?;
    let (element, big_endian) = match descr {
        Descr::Plain(name) => {
            parse_dtype(&name).map_err(|problem| bad(format!("its dtype {name:?} is unknown ({problem})")))?
        }
        Descr::Structured => (Element::Other("of several fields".to_owned(), None), false),
    };
    Ok(Header { shape: Shape(shape), element, big_endian, fortran, start: before_text + length as u64 })
}

/// Writes the header of an array in C order, little-endian.
pub(super) fn write_header(writer: impl Write, shape: &[u64], dtype: Dtype) -> io::Result<()> {
    let name = match dtype {
        Dtype::F16 => "<f2",
        Dtype::F32 => "<f4",
        Dtype::F64 => "<f8",
        Dtype::Bf16 => return Err(io::Error::other("NumPy has no bf16")),
    };
    let dtype = name.parse().map_err(io::Error::other)?;
    npyz::WriteOptions::new_header_only()
        .dtype(npyz::DType::Plain(dtype))
        .shape(shape)
        .writer(writer)
        .write_header_only()
        .map(drop)
}

enum Descr {
    Plain(String),
    Structured,
}

/// The type that NumPy's name of it means, and whether its values are big-endian.
fn parse_dtype(name: &str) -> Result<(Element, bool), String> {
    let spelling = spelling(name);
    let dtype: TypeStr = spelling.parse().map_err(|e: npyz::ParseTypeStrError| e.to_string())?;
    let text = |unit| dtype.num_bytes().map(|bytes| Element::Text { name: name.to_owned(), bytes, unit });
    let element = match (dtype.type_char(), dtype.size_field()) {
        (TypeChar::Float, 2) => Element::Float(Dtype::F16),
        (TypeChar::Float, 4) => Element::Float(Dtype::F32),
        (TypeChar::Float, 8) => Element::Float(Dtype::F64),
        (TypeChar::Bool, _) => Element::Bool,
        (TypeChar::Int, bytes @ (1 | 2 | 4 | 8)) => Element::Int(bytes as usize),
        (TypeChar::Uint, bytes @ (1 | 2 | 4 | 8)) => Element::Uint(bytes as usize),
        (TypeChar::UnicodeStr, 1..) => text(4).ok_or("too long")?,
        (TypeChar::ByteStr, 1..) => text(1).ok_or("too long")?,
        _ => Element::Other(name.to_owned(), dtype.num_bytes().map(|bytes| bytes as u64)),
    };
    Ok((element, dtype.endianness() == Endianness::Big))
}

/// The spelling that `np.save` uses, of any that `np.dtype` understands: `f4`, `=f4`,
/// `|f4`, `float32` and `f` are all `<f4` on a little-endian machine.
fn spelling(name: &str) -> String {
    let (order, rest) = match name.split_at_checked(1) {
        Some((order @ ("<" | ">" | "=" | "|"), rest)) => (order, rest),
        _ => ("=", name),
    };
    let long = size_of::<std::ffi::c_long>();
    let code = match rest {
        "?" | "bool" | "bool_" => "b1",
        "b" | "byte" | "int8" => "i1",
        "B" | "ubyte" | "uint8" => "u1",
        "h" | "short" | "int16" => "i2",
        "H" | "ushort" | "uint16" => "u2",
        "i" | "intc" | "int32" => "i4",
        "I" | "uintc" | "uint32" => "u4",
        "q" | "longlong" | "int64" | "int" | "int_" | "intp" | "p" => "i8",
        "Q" | "ulonglong" | "uint64" | "uint" | "uintp" | "P" => "u8",
        "l" | "long" => ["i4", "i8"][usize::from(long == 8)],
        "L" | "ulong" => ["u4", "u8"][usize::from(long == 8)],
        "e" | "half" | "float16" => "f2",
        "f" | "single" | "float32" => "f4",
        "d" | "double" | "float64" | "float" => "f8",
        other => other,
    };
    let is_bytewise = code.starts_with(['b', 'S', 'a', 'V', 'O']) || matches!(code, "i1" | "u1");
    let order = match order {
        _ if is_bytewise => "|",
        "<" | ">" => order,
        _ if cfg!(target_endian = "big") => ">",
        _ => "<",
    };
    format!("{order}{code}")
}

/// The three entries of the header's dictionary.
fn parse_text(text: &str) -> Result<(Descr, bool, Vec<u64>), &'static str> {
    let mut cursor = Cursor(text);
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    cursor.expect('{', "there is no dictionary")?;
    while !cursor.accept('}') {
        let key = cursor.string().ok_or("a key is not a string")?;
        cursor.expect(':', "a key has no value")?;
        match key {
            "descr" => descr = Some(cursor.descr()?),
            "fortran_order" => {
                fortran = Some(cursor.boolean().ok_or("fortran_order is neither True nor False")?)
            }
            "shape" => shape = Some(cursor.tuple()?),
            _ => return Err("there is an unknown key"),
        }
        if !cursor.accept(',') {
            cursor.expect('}', "the dictionary does not end")?;
            break;
        }
    }
    if !cursor.0.trim().is_empty() {
        return Err("there is something behind the dictionary");
    }
    Ok((
        descr.ok_or("there is no descr")?,
        fortran.ok_or("there is no fortran_order")?,
        shape.ok_or("there is no shape")?,
    ))
}

/// The rest of the header's text.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn accept(&mut self, wanted: char) -> bool {
        match self.0.trim_start().strip_prefix(wanted) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, wanted: char, problem: &'static str) -> Result<(), &'static str> {
        if self.accept(wanted) { Ok(()) } else { Err(problem) }
    }

    /// A string; Python 2 wrote `u'<f4'` for some.
    fn string(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start();
        let bare = rest.strip_prefix(['u', 'U', 'r', 'R']);
        let rest = bare.filter(|rest| rest.starts_with(['\'', '"'])).unwrap_or(rest);
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (inside, behind) = rest.get(1..)?.split_once(quote)?;
        self.0 = behind;
        Some(inside)
    }

    fn boolean(&mut self) -> Option<bool> {
        let rest = self.0.trim_start();
        let (value, behind) = match (rest.strip_prefix("True"), rest.strip_prefix("False")) {
            (Some(behind), _) => (true, behind),
            (_, Some(behind)) => (false, behind),
            _ => return None,
        };
        self.0 = behind;
        Some(value)
    }

    fn tuple(&mut self) -> Result<Vec<u64>, &'static str> {
        self.expect('(', "shape is not a tuple")?;
        let mut dimensions = Vec::new();
        while !self.accept(')') {
            let rest = self.0.trim_start();
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, behind) = rest.split_at(digits);
            dimensions
                .push(number.parse().map_err(|_| "a dimension is not a whole number of at most 64 bits")?);
            // Python 2 wrote `5L`.
            self.0 = behind.strip_prefix('L').unwrap_or(behind);
            if !self.accept(',') {
                self.expect(')', "shape does not end")?;
                break;
            }
        }
        Ok(dimensions)
    }

    /// A dtype: a string, or a list of fields that is passed over.
    fn descr(&mut self) -> Result<Descr, &'static str> {
        if let Some(name) = self.string() {
            return Ok(Descr::Plain(name.to_owned()));
        }
        let mut depth = 0_usize;
        loop {
            if self.string().is_some() {
                continue;
            }
            let rest = self.0.trim_start();
            let next = rest.chars().next().ok_or("descr does not end")?;
            self.0 = rest.get(next.len_utf8()..).unwrap_or_default();
            match next {
                '[' | '(' => depth += 1,
                ']' | ')' => depth = depth.checked_sub(1).ok_or("descr is neither a string nor a list")?,
                _ if depth == 0 => return Err("descr is neither a string nor a list"),
                _ => {}
            }
            if depth == 0 {
                return Ok(Descr::Structured);
            }
        }
    }
}
