//! Pictures from arrays and files, small enough to stand in a page.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageDecoder as _, ImageFormat, ImageReader, RgbImage, RgbaImage};

/// Pixels of the longer side of a picture, at most: larger ones are made smaller.
const SIDE: u32 = 256;
/// A picture of more pixels is kept as JPEG, if nothing of it is transparent.
const MANY: u32 = 96 * 96;
/// Of such a picture.
const QUALITY: u8 = 85;
/// Of a file that is read: 64 megapixels in four bytes.
const MEMORY: u64 = 256 << 20;

/// A picture that is ready to stand in a page.
#[derive(Clone, Debug)]
pub struct Picture {
    kind: &'static str,
    bytes: Vec<u8>,
    size: (u32, u32),
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// An array that is none.
    #[error(
        "expected a picture as height × width, height × width × channels or channels × height × width, with 1, 3 or 4 channels, found {0:?}"
    )]
    Shape(Vec<usize>),
    /// As many values as the shape has.
    #[error("expected {expected} values, found {found}")]
    Count {
        /// Those of the shape.
        expected: usize,
        /// Those that there are.
        found: usize,
    },
    /// A file that is none.
    #[error("expected a picture in PNG or JPEG: {0}")]
    File(String),
}

/// Values of pixels, in the order of the array.
#[derive(Clone, Copy, Debug)]
pub enum Pixels<'a> {
    /// From 0 to 255.
    Bytes(&'a [u8]),
    /// From 0 to 1, from 0 to 255, or in any other range, which is stretched then. NaN is
    /// black.
    Floats(&'a [f64]),
}

impl Picture {
    /// The picture of an array of this shape: gray or coloured, channels first or last.
    ///
    /// # Errors
    /// [`PictureError::Shape`], [`PictureError::Count`].
    pub fn from_array(pixels: Pixels<'_>, shape: &[usize]) -> Result<Self, PictureError> {
        let bytes = match pixels {
            Pixels::Bytes(bytes) => bytes.to_vec(),
            Pixels::Floats(values) => stretched(values),
        };
        let refuse = || PictureError::Shape(shape.to_vec());
        let is_channels = |axis: usize| matches!(axis, 1 | 3 | 4);
        let (height, width, channels, is_first) = match *shape {
            [height, width] => (height, width, 1, false),
            [channels, height, width] if is_channels(channels) && !is_channels(width) => {
                (height, width, channels, true)
            }
            [height, width, channels] if is_channels(channels) => (height, width, channels, false),
            [channels, height, width] if is_channels(channels) => (height, width, channels, true),
            _ => return Err(refuse()),
        };
        let expected =
            shape.iter().try_fold(1usize, |all, &axis| all.checked_mul(axis)).ok_or_else(refuse)?;
        if expected != bytes.len() {
            return Err(PictureError::Count { expected, found: bytes.len() });
        }
        let (Ok(wide), Ok(high)) = (u32::try_from(width), u32::try_from(height)) else {
            return Err(refuse());
        };
        if wide == 0 || high == 0 {
            return Err(refuse());
        }
        let bytes = if is_first && channels > 1 { interleaved(&bytes, channels) } else { bytes };
        let image = match channels {
            1 => GrayImage::from_raw(wide, high, bytes).map(DynamicImage::from),
            3 => RgbImage::from_raw(wide, high, bytes).map(DynamicImage::from),
            _ => RgbaImage::from_raw(wide, high, bytes).map(DynamicImage::from),
        };
        Self::encoded(image.ok_or_else(refuse)?)
    }

    /// The picture of a file in PNG or JPEG, upright.
    ///
    /// # Errors
    /// [`PictureError::File`]: another format, a file that is cut, more than 64
    /// megapixels.
    pub fn from_file(bytes: &[u8]) -> Result<Self, PictureError> {
        let refuse = |error: image::ImageError| PictureError::File(error.to_string());
        let mut reader = ImageReader::new(Cursor::new(bytes));
        let format = image::guess_format(bytes).map_err(refuse)?;
        reader.set_format(format);
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(MEMORY);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(refuse)?;
        let turned = decoder.orientation().map_err(refuse)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(refuse)?;
        image.apply_orientation(turned);
        Self::encoded(image)
    }

    fn encoded(image: DynamicImage) -> Result<Self, PictureError> {
        let is_large = image.width().max(image.height()) > SIDE;
        let image = if is_large { image.resize(SIDE, SIDE, FilterType::Triangle) } else { image };
        let mut bytes = Vec::new();
        let size = (image.width(), image.height());
        let refuse = |error: image::ImageError| PictureError::File(error.to_string());
        let kind = if size.0 * size.1 > MANY && !image.color().has_alpha() {
            let image = DynamicImage::from(image.to_rgb8());
            image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY)).map_err(refuse)?;
            "jpeg"
        } else {
            // Eight bits a channel are all that is seen.
            let image = match (image.color().has_color(), image.color().has_alpha()) {
                (false, false) => DynamicImage::from(image.to_luma8()),
                (true, false) => DynamicImage::from(image.to_rgb8()),
                _ => DynamicImage::from(image.to_rgba8()),
            };
            image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).map_err(refuse)?;
            "png"
        };
        Ok(Self { kind, bytes, size })
    }

    /// As the page has it.
    pub(crate) fn source(&self) -> String {
        format!("data:image/{};base64,{}", self.kind, STANDARD.encode(&self.bytes))
    }

    /// Pixels across.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.size.0
    }

    /// Pixels down.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.size.1
    }

    /// Whether its pixels are to be seen.
    pub(crate) fn is_coarse(&self) -> bool {
        self.size.0.max(self.size.1) <= 64
    }
}

/// Values as bytes.
fn stretched(values: &[f64]) -> Vec<u8> {
    /// What a largest value is at least, if values are from 0 to 255.
    const BYTES: f64 = 32.0;
    let finite = values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let (low, high) = if low >= 0.0 && high <= 1.0 {
        (0.0, 1.0)
    } else if low >= 0.0 && (BYTES..=255.0).contains(&high) {
        (0.0, 255.0)
    } else {
        (low, high)
    };
    // Halves, so that no difference overflows. Casts make 0 of NaN.
    let width = (high / 2.0 - low / 2.0).max(f64::MIN_POSITIVE);
    values.iter().map(|value| (255.0 * ((value / 2.0 - low / 2.0) / width)).round() as u8).collect()
}

/// Channels last.
fn interleaved(planes: &[u8], channels: usize) -> Vec<u8> {
    let pixels = planes.len() / channels;
    (0..pixels).flat_map(|pixel| (0..channels).map(move |channel| planes[channel * pixels + pixel])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(picture: &Picture) -> DynamicImage {
        image::load_from_memory(&picture.bytes).unwrap()
    }

    #[test]
    fn arrays_of_any_usual_form_are_the_same_picture() {
        let last: Vec<u8> = (0..5 * 7 * 3).map(|i| (i * 2) as u8).collect();
        let first: Vec<u8> =
            (0..3).flat_map(|c| (0..35).map(move |i| (i, c))).map(|(i, c)| last[i * 3 + c]).collect();
        let expected = decoded(&Picture::from_array(Pixels::Bytes(&last), &[5, 7, 3]).unwrap());
        assert_eq!(expected.to_rgb8().into_raw(), last);
        assert_eq!(decoded(&Picture::from_array(Pixels::Bytes(&first), &[3, 5, 7]).unwrap()), expected);
        let floats: Vec<f64> = last.iter().map(|&b| f64::from(b) / 255.0).collect();
        assert_eq!(decoded(&Picture::from_array(Pixels::Floats(&floats), &[5, 7, 3]).unwrap()), expected);
        let gray = Picture::from_array(Pixels::Bytes(&last[..35]), &[1, 5, 7]).unwrap();
        assert_eq!(decoded(&gray).to_luma8().into_raw(), &last[..35]);
    }

    #[test]
    fn floats_of_any_range_are_stretched_and_what_is_no_number_is_black() {
        assert_eq!(stretched(&[-2.0, 0.0, 2.0, f64::NAN]), [0, 128, 255, 0]);
        assert_eq!(stretched(&[0.0, 0.5, f64::INFINITY]), [0, 128, 255]);
        assert_eq!(stretched(&[0.0, 100.0]), [0, 100]);
        assert_eq!(stretched(&[f64::MIN, f64::MAX]), [0, 255]);
        assert_eq!(stretched(&[7e300, 7e300]), [0, 0]);
        assert_eq!(stretched(&[f64::NAN]), [0]);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let refused = |shape: &[usize], count: usize| {
            Picture::from_array(Pixels::Bytes(&vec![0; count]), shape).unwrap_err().to_string()
        };
        assert!(refused(&[4], 4).contains("found [4]"));
        assert!(refused(&[2, 4, 2], 16).contains("found [2, 4, 2]"));
        assert!(refused(&[0, 4], 0).contains("found [0, 4]"));
        assert!(refused(&[2, 4], 7).contains("expected 8 values, found 7"));
        assert!(refused(&[usize::MAX, 4, 3], 7).contains("found"));
        for bytes in [&b""[..], b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"] {
            assert!(Picture::from_file(bytes).unwrap_err().to_string().contains("PNG or JPEG"));
        }
    }

    #[test]
    fn large_pictures_become_small() {
        let picture = Picture::from_array(Pixels::Bytes(&vec![9; 1000 * 500]), &[1000, 500]).unwrap();
        assert_eq!((picture.width(), picture.height(), picture.kind), (128, 256, "jpeg"));
        let mut file = Vec::new();
        DynamicImage::new_rgba8(600, 300).write_to(&mut Cursor::new(&mut file), ImageFormat::Png).unwrap();
        let picture = Picture::from_file(&file).unwrap();
        assert_eq!((picture.width(), picture.height(), picture.kind), (256, 128, "png"));
    }
}
