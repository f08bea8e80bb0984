//! Stills as other programs write them, by the program: which way up they are, and what of them is lost.

// Pictures are small: every cast is of a value that fits.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

#[allow(dead_code)] // what is refused is judged elsewhere
mod program;

use std::fs;

use program::{napot, said};

/// A JPEG file of 52 columns, and so many rows, and low quality, of which no two views are alike.
fn jpeg(rows: u16) -> Vec<u8> {
    let pixel = |at: usize| {
        let (y, x) = (at / 52, at % 52);
        let lit = (y as f32 - 20.0).hypot(x as f32 - 22.0) < 15.0;
        let wave = 60.0 * ((y + 2 * x) as f32 * 0.12).sin();
        [if lit { 210 } else { 120 }, 90, 60].map(|level| (level as f32 + wave).clamp(0.0, 255.0) as u8)
    };
    let rgb: Vec<u8> = (0..usize::from(rows) * 52).flat_map(pixel).collect();
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 10);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.encode(&rgb, 52, rows, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

#[test]
fn a_photograph_stands_upright_whatever_is_done_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // The camera was held on its side: the first row is the right-hand side.
    let mark = b"\xFF\xE1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let taken = |rows: u16| {
        let whole = jpeg(rows);
        fs::write(path("poor.jpg"), &whole).unwrap();
        fs::write(path("phone.jpg"), [&whole[..2], mark, &whole[2..]].concat()).unwrap();
    };
    let rendered = |words: &str| {
        let done = napot(folder.path(), &format!("render {words} --out x.png"));
        assert!(done.status.success(), "{words}: {}", said(&done));
        image::open(path("x.png")).unwrap().into_rgb8()
    };
    // Repaired in blocks as the file keeps them, to the bit.
    taken(45);
    let (kept, upright) = (rendered("repair-jpeg poor.jpg"), rendered("repair-jpeg phone.jpg"));
    assert_eq!(upright.dimensions(), (45, 52));
    assert!(upright == image::imageops::rotate90(&kept));
    // By networks that see all ways round alike, which rows and columns in pairs are.
    taken(44);
    let denoised = |name: &str| rendered(&format!("denoise {name} --sigma 0.02 --turned"));
    assert!(denoised("phone.jpg") == image::imageops::rotate90(&denoised("poor.jpg")));
}

#[test]
fn what_is_lost_of_a_still_is_told_once_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    image::RgbaImage::from_pixel(16, 16, image::Rgba([90, 60, 30, 128])).save(path("clear.png")).unwrap();
    image::RgbaImage::from_pixel(16, 16, image::Rgba([90, 60, 30, 255])).save(path("whole.png")).unwrap();
    let deep = image::ImageBuffer::from_pixel(16, 16, image::Rgb([9_000u16, 20_000, 40_000]));
    deep.save(path("deep.png")).unwrap();
    let mut about = png::Info::with_size(16, 16);
    (about.color_type, about.bit_depth) = (png::ColorType::Rgb, png::BitDepth::Eight);
    about.icc_profile = Some(b"of a display".into());
    let file = fs::File::create(path("display.png")).unwrap();
    let mut writer = png::Encoder::with_info(file, about).unwrap().write_header().unwrap();
    writer.write_image_data(&[90; 3 * 16 * 16]).unwrap();
    writer.finish().unwrap();
    let told = |name: &str, part: &str| {
        let done = napot(folder.path(), &format!("render denoise {name} --sigma 0.1 --out x.png"));
        assert!(done.status.success() && said(&done).matches(part).count() == 1, "{name}: {}", said(&done));
    };
    told("clear.png", "clear.png: transparent pixels are taken as black; the result has no transparency");
    told("deep.png", "deep.png: 16 bits a sample are read as 8");
    told("display.png", "display.png: its colour profile is left out");
    let done = napot(folder.path(), "render denoise whole.png --sigma 0.1 --out x.png");
    assert!(done.status.success() && !said(&done).contains("whole.png"), "{}", said(&done));
}
